import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from '../src/index.js';
import { startClaude } from './claude-process.js';
import { ask, scripted, textOf, user } from './conversation-builder.js';
import { freshDirectory, startModel } from './fixtures.js';
import { jsonOf, send } from './raw-client.js';

const SESSION = '11111111-1111-4111-8111-111111111111';
const write = (file: string, more: object = {}) => ({
  tool: 'Write',
  input: { file_path: file, content: 'written' },
  ...more,
});

describe('the real Claude Code', { timeout: 60_000 }, () => {
  it('does what the script says after two overloaded answers, and ends well', async () => {
    const directory = freshDirectory();
    const { url, model } = await startModel();
    const file = join(directory, 'work', 'a.txt');
    const script = [write(file, { error: { status: 529, times: 2 } }), { text: 'all done' }];
    const claude = startClaude(url, directory, scripted(script), ['--session-id', SESSION]);
    expect(await claude.ended).toMatchObject({ code: 0 });
    expect(claude.events.at(-1)).toMatchObject({
      type: 'result',
      is_error: false,
      result: 'all done',
    });
    expect(readFileSync(file, 'utf8')).toBe('written');
    expect(model.requests.map(({ turn, attempt }) => [turn, attempt])).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 1],
    ]);
    expect(new Set(model.requests.map(({ promptHash }) => promptHash)).size).toBe(2);
    expect(model.requests[3]).toMatchObject({
      dialect: 'anthropic',
      conversation: SESSION,
      auth: 'x-api-key',
      finished: true,
    });
    expect(model.requests[3]?.lastTool).toContain('created successfully');
    expect(model.requests[3]?.tools).toContain('Write');
  });

  it('killed in flight and resumed, asks one message again and gets the right turn', async () => {
    const directory = freshDirectory();
    const { url, model, received } = await startModel({ record: 'full' });
    const [first, second] = ['a.txt', 'b.txt'].map((name) => join(directory, 'work', name));
    const go = join(directory, 'go');
    const script = [
      write(first ?? ''),
      write(second ?? '', { waitFor: { file: go } }),
      { text: 'all done' },
    ];
    const killed = startClaude(url, directory, scripted(script), ['--session-id', SESSION]);
    await received(({ turn }) => turn === 1);
    // Claude Code writes its transcript up to 0.1 s late; what is not in it is asked again as well.
    await transcribed(directory, 'tool_result');
    killed.kill();
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
    expect([existsSync(first ?? ''), existsSync(second ?? '')]).toEqual([true, false]);

    writeFileSync(go, '');
    const resumed = startClaude(url, directory, 'Continue.', ['--resume', SESSION]);
    expect(await resumed.ended).toMatchObject({ code: 0 });
    expect(resumed.events.at(-1)).toMatchObject({ is_error: false, result: 'all done' });
    expect(existsSync(second ?? '')).toBe(true);
    expect(model.requests.map(({ turn, attempt }) => [turn, attempt])).toEqual([
      [0, 1],
      [1, 1],
      [1, 2],
      [2, 1],
    ]);
    expect(new Set(model.requests.map(({ firstPromptHash }) => firstPromptHash)).size).toBe(1);

    // Control: Claude did make an answer up, and counting it would have skipped a turn.
    const body = JSON.stringify(model.requests[2]?.body);
    expect(body).toContain('No response requested.');
    const told = body.replace('No response requested.', 'A real answer.');
    await send(`${url}/v1/messages`, told).answer;
    expect(model.requests.at(-1)).toMatchObject({ turn: 2 });
  });

  it('told something while it works, follows the script that this message carries', async () => {
    const directory = freshDirectory();
    const { url, model, received } = await startModel({ record: 'full' });
    const go = join(directory, 'go');
    const file = join(directory, 'work', 'a.txt');
    const script = [write(file, { waitFor: { file: go } }), { text: 'first script' }];
    const claude = startClaude(url, directory, scripted(script));
    await received(() => true);
    await claude.say(scripted(['second script'], 'One more thing.'));
    writeFileSync(go, '');
    expect(await claude.ended).toMatchObject({ code: 0 });
    expect(claude.events.at(-1)).toMatchObject({ is_error: false, result: 'second script' });
    expect(model.requests[1]).toMatchObject({ turn: 0 });
    expect(model.requests[1]?.lastUser).toMatch(/^One more thing\./);
    // Control: it came in the form of a system message, which would not have counted as one.
    const { messages } = model.requests[1]?.body as { messages: { role: string }[] };
    expect(messages.at(-1)?.role).toBe('system');
    expect(JSON.stringify(messages.at(-1))).toContain('One more thing.');
  });

  it('meets a second one at a barrier of two, where one alone waits', async () => {
    const { url, model, received } = await startModel();
    const script = [{ text: 'met', barrier: { name: 'meet', parties: 2 } }];
    const alone = startClaude(url, freshDirectory(), scripted(script));
    const { conversation } = await received(() => true);

    // Control: others come and go, and the one that is alone still waits.
    for (let index = 0; index < 50; index += 1) {
      const answer = await ask(url, [user('other')], { session: `other-${index}` }).answer;
      expect(textOf(answer)).toBe('ok');
    }
    const open = jsonOf(await send(`${url}/__open`).answer) as unknown as Json[];
    expect(open).toMatchObject([{ conversation, waiting: 'barrier' }]);
    expect(alone.events.some(({ type }) => type === 'result')).toBe(false);

    const second = startClaude(url, freshDirectory(), scripted(script));
    for (const claude of [alone, second]) {
      expect(await claude.ended).toMatchObject({ code: 0 });
      expect(claude.events.at(-1)).toMatchObject({ is_error: false, result: 'met' });
    }
    const met = model.requests.filter(({ conversation: name }) => !name.startsWith('other-'));
    expect(met).toHaveLength(2);
    expect(new Set(met.map(({ conversation: name }) => name)).size).toBe(2);
  });

  it('frees its place at a barrier when it is killed', async () => {
    const { url, model, received } = await startModel();
    const script = scripted([{ text: 'met', barrier: { name: 'meet', parties: 2 } }]);
    const claude = startClaude(url, freshDirectory(), script);
    await received(() => true);
    claude.kill();
    await claude.ended;
    await expect.poll(() => model.open.length, { timeout: 30_000 }).toBe(0);
    const later = ask(url, [user(script)], { session: 'later' });
    await received(({ conversation }) => conversation === 'later');
    for (let index = 0; index < 20; index += 1) await ask(url, [user('other')]).answer;
    expect(later.settled()).toBe(false);
    expect(model.open).toHaveLength(1);
  });
});

/** Waits until the transcript of the session, wherever Claude Code keeps it, holds a text. */
async function transcribed(directory: string, text: string): Promise<void> {
  for (;;) {
    const file = readdirSync(directory, { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith(`${SESSION}.jsonl`),
    );
    if (file !== undefined && readFileSync(join(directory, file), 'utf8').includes(text)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
