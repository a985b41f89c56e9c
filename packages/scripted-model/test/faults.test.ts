import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createScriptedModel, ScriptedModelError } from '../src/index.js';
import type { Json } from '../src/index.js';
import { ask, askText, scripted, textOf, user } from './conversation-builder.js';
import { freshDirectory, startModel } from './fixtures.js';
import { dataOf, send } from './raw-client.js';

const prompt = (turn: Json) => [user(scripted([turn]))];

/** Proves that the model goes on answering others: whatever is still open then is withheld. */
async function answerOthers(url: string): Promise<void> {
  for (let index = 0; index < 20; index += 1)
    await ask(url, [user(`other ${index}`)], { session: `other-${index}` }).answer;
}

describe('faults', () => {
  it('fails the first times attempts of a turn, per conversation, then answers', async () => {
    const { url, model } = await startModel();
    const turn = {
      text: 'at last',
      error: { status: 529, times: 2, headers: { 'retry-after': '1' } },
    };
    const attempt = async (session: string) => {
      const { status, headers } = await ask(url, prompt(turn), { session }).answer;
      return [status, headers['retry-after']];
    };
    expect([await attempt('a'), await attempt('a'), await attempt('b')]).toEqual([
      [529, '1'],
      [529, '1'],
      [529, '1'],
    ]);
    expect(await attempt('a')).toEqual([200, undefined]);
    expect(await attempt('b')).toEqual([529, '1']);
    expect(model.requests.map(({ attempt: count }) => count)).toEqual([1, 2, 1, 3, 2]);
  });

  it('refuses what is sent to no address, and answers others', async () => {
    const { url } = await startModel();
    expect((await send(`${url}//`).answer).status).toBe(500);
    await answerOthers(url);
  });

  it('fails for ever when no times are given', async () => {
    const { url } = await startModel();
    for (let attempt = 0; attempt < 5; attempt += 1)
      expect((await ask(url, prompt({ text: 'x', error: {} })).answer).status).toBe(500);
  });

  it('cuts the connection after exactly that many pieces', async () => {
    const { url, model } = await startModel();
    const turn = { text: 'abcdef', chunkChars: 1, cut: { after: 5, times: 1 } };
    const cut = await ask(url, prompt(turn), { stream: true }).answer;
    expect(cut.whole).toBe(false);
    expect(cut.events).toHaveLength(5);
    const again = await ask(url, prompt(turn), { stream: true }).answer;
    expect([again.whole, again.events.length]).toEqual([true, 11]);
    expect(model.requests.map(({ finished }) => finished)).toEqual([false, true]);
  });

  it('cuts before the first byte when nothing else is said', async () => {
    const { url } = await startModel();
    const { answer } = ask(url, prompt({ text: 'x', cut: {} }), { stream: true });
    await expect(answer).rejects.toThrow(/socket hang up|ECONNRESET/);
  });

  it('streams an error after the pieces before it, once when times says so', async () => {
    const { url } = await startModel();
    const turn = { text: 'abc', streamError: { after: 2, times: 1, message: 'overloaded' } };
    const broken = await ask(url, prompt(turn), { stream: true }).answer;
    expect(broken.events.map(({ name }) => name)).toEqual([
      'message_start',
      'content_block_start',
      'error',
    ]);
    const again = await ask(url, prompt(turn), { stream: true }).answer;
    expect(dataOf(again).at(-1)).toMatchObject({ type: 'message_stop' });
  });

  it('never answers a turn that hangs, until the client goes away', async () => {
    const { url, model, received } = await startModel();
    const hanging = ask(url, prompt({ text: 'x', hang: { times: 1 } }));
    await received(() => true);
    await answerOthers(url);
    expect(hanging.settled()).toBe(false);
    expect(model.open).toMatchObject([{ waiting: 'hang', turn: 0 }]);
    hanging.leave();
    await expect(hanging.answer).rejects.toThrow();
    expect(await askText(url, prompt({ text: 'x', hang: { times: 1 } }))).toBe('x');
    expect(model.open).toEqual([]);
    expect(model.requests[0]?.finished).toBe(false);
  });

  it('adds headers and pauses where the turn says so, and loses nothing by it', async () => {
    const { url } = await startModel();
    const turn = { text: 'abc', chunkChars: 1, headers: { 'x-limit': '5' } };
    const pauses = { delayMs: 2, firstByteMs: 2, chunkMs: 1 };
    const answer = await ask(url, prompt({ ...turn, ...pauses }), { stream: true }).answer;
    expect(answer.headers['x-limit']).toBe('5');
    expect(answer.events.filter(({ name }) => name === 'content_block_delta')).toHaveLength(3);
  });
});

describe('waitFor', () => {
  it.each([
    ['whose directory is there', 'go'],
    ['whose directory is not there yet', 'later/go'],
  ])('withholds the answer until the file exists, %s', async (_what, name) => {
    const directory = freshDirectory();
    const { url, model, received } = await startModel();
    const file = join(directory, name);
    const waiting = ask(url, prompt({ text: 'gone', waitFor: { file } }), { session: 'waiting' });
    await received(({ conversation }) => conversation === 'waiting');
    await answerOthers(url);
    writeFileSync(join(directory, 'other'), '');
    await answerOthers(url);
    expect(waiting.settled()).toBe(false);
    expect(model.open).toMatchObject([{ waiting: 'file', conversation: 'waiting' }]);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, '');
    expect(textOf(await waiting.answer)).toBe('gone');
  });

  it('is no wait when the file is there already', async () => {
    const file = join(freshDirectory(), 'go');
    writeFileSync(file, '');
    const { url } = await startModel();
    expect(await askText(url, prompt({ text: 'gone', waitFor: { file } }))).toBe('gone');
  });
});

describe('close()', () => {
  it('drops what is withheld and can be called again', async () => {
    const { url, model, received } = await startModel();
    const hanging = ask(url, prompt({ hang: true }));
    await received(() => true);
    await model.close();
    await expect(hanging.answer).rejects.toThrow();
    await model.close();
    await expect(ask(url, prompt('x')).answer).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('listen()', () => {
  it('refuses a port in use and a second call, with its own error', async () => {
    const { url, model } = await startModel();
    const other = await startModel();
    await other.model.close();
    const code = 'ORCH_SCRIPTED_MODEL_LISTEN_FAILED';
    await expect(model.listen()).rejects.toMatchObject({ code });
    const third = createScriptedModel();
    const port = Number(new URL(url).port);
    const error: unknown = await third.listen({ port }).catch((thrown: unknown) => thrown);
    expect(ScriptedModelError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ code, details: { port } });
    expect((await third.listen()).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await third.close();
  });
});
