import { describe, expect, it } from 'vitest';
import { ask, scripted, textOf, user } from './conversation-builder.js';
import { startModel } from './fixtures.js';
import type { RunningModel } from './fixtures.js';

const AT_BARRIER = scripted([{ text: 'through', barrier: { name: 'meet', parties: 3 } }]);

const arrive = ({ url }: RunningModel, session: string) =>
  ask(url, [user(AT_BARRIER)], { session });

/** Waits until that many requests wait at the barrier. */
async function atBarrier(running: RunningModel, count: number): Promise<void> {
  await expect
    .poll(() => running.model.open.filter(({ waiting }) => waiting === 'barrier').length, {
      timeout: 15_000,
      interval: 5,
    })
    .toBe(count);
}

/** Other conversations come and go: who is not let through by then is withheld. */
async function answerOthers(url: string): Promise<void> {
  for (let index = 0; index < 20; index += 1)
    await ask(url, [user('other')], { session: `other-${index}` }).answer;
}

describe('a barrier', () => {
  it('lets all through when that many distinct conversations are there at once', async () => {
    const running = await startModel();
    const early = [arrive(running, 'a'), arrive(running, 'b')];
    await atBarrier(running, 2);
    await answerOthers(running.url);
    expect(early.map(({ settled }) => settled())).toEqual([false, false]);
    const answers = await Promise.all([...early, arrive(running, 'c')].map(({ answer }) => answer));
    expect(answers.map(textOf)).toEqual(['through', 'through', 'through']);
  });

  it('lets later arrivals pass once it is open, until reset()', async () => {
    const running = await startModel();
    await Promise.all(['a', 'b', 'c'].map((session) => arrive(running, session).answer));
    expect(textOf(await arrive(running, 'd').answer)).toBe('through');
    running.model.reset();
    const later = arrive(running, 'd');
    await atBarrier(running, 1);
    await answerOthers(running.url);
    expect(later.settled()).toBe(false);
  });

  it('never opens for conversations that come one after the other', async () => {
    const running = await startModel();
    for (const session of ['a', 'b', 'c', 'd']) {
      const alone = arrive(running, session);
      await atBarrier(running, 1);
      await answerOthers(running.url);
      expect(alone.settled()).toBe(false);
      // A client that gives up takes its place with it.
      alone.leave();
      await expect(alone.answer).rejects.toThrow();
      await atBarrier(running, 0);
    }
  });

  it('counts a conversation once, however many requests it has open', async () => {
    const running = await startModel();
    const same = ['a', 'a', 'a', 'b'].map((session) => arrive(running, session));
    await atBarrier(running, 4);
    await answerOthers(running.url);
    expect(same.some(({ settled }) => settled())).toBe(false);
    await arrive(running, 'c').answer;
    expect(await Promise.all(same.map(async ({ answer }) => textOf(await answer)))).toEqual(
      Array(4).fill('through'),
    );
  });

  it('refuses two numbers of parties under one name', async () => {
    const running = await startModel();
    const first = arrive(running, 'a');
    await atBarrier(running, 1);
    const other = scripted([{ barrier: { name: 'meet', parties: 2 } }]);
    const answer = await ask(running.url, [user(other)], { session: 'b' }).answer;
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('expected 3 parties');
    expect(first.settled()).toBe(false);
  });
});

describe('hold()', () => {
  it('withholds answers until release(), and says when enough conversations wait', async () => {
    const running = await startModel();
    const hold = running.model.hold({ requests: 2, distinct: 'conversation' });
    let reached = false;
    void hold.reached.then(() => (reached = true));
    const asked = ['a', 'a'].map((session) => ask(running.url, [user('x')], { session }));
    await expect.poll(() => running.model.open.length, { timeout: 15_000 }).toBe(2);
    expect([reached, hold.waiting]).toEqual([false, ['a']]);
    const third = ask(running.url, [user('x')], { session: 'b' });
    await hold.reached;
    expect(hold.waiting).toEqual(['a', 'b']);
    expect(running.model.open.map(({ waiting }) => waiting)).toEqual(['hold', 'hold', 'hold']);
    expect([...asked, third].some(({ settled }) => settled())).toBe(false);
    hold.release();
    for (const { answer } of [...asked, third]) expect(textOf(await answer)).toBe('ok');
    expect(textOf(await ask(running.url, [user('x')]).answer)).toBe('ok');
  });

  it('forgets a conversation whose client went away', async () => {
    const { model, url } = await startModel();
    const hold = model.hold({ requests: 2, distinct: 'conversation' });
    let reached = false;
    void hold.reached.then(() => (reached = true));
    const gone = ask(url, [user('x')], { session: 'a' });
    await expect.poll(() => hold.waiting, { timeout: 15_000 }).toEqual(['a']);
    gone.leave();
    await expect(gone.answer).rejects.toThrow();
    await expect.poll(() => hold.waiting, { timeout: 15_000 }).toEqual([]);
    const second = ask(url, [user('x')], { session: 'b' });
    await expect.poll(() => hold.waiting, { timeout: 15_000 }).toEqual(['b']);
    expect(reached).toBe(false);
    hold.release();
    expect(textOf(await second.answer)).toBe('ok');
  });

  it('takes only the requests that it is meant for', async () => {
    const { model, url } = await startModel();
    const hold = model.hold({
      requests: 1,
      distinct: 'conversation',
      when: ({ conversation }) => conversation === 'held',
    });
    const held = ask(url, [user('x')], { session: 'held' });
    await hold.reached;
    expect(textOf(await ask(url, [user('x')], { session: 'free' }).answer)).toBe('ok');
    expect(held.settled()).toBe(false);
    hold.release();
    expect(textOf(await held.answer)).toBe('ok');
  });

  it('rejects when the model closes before it is reached', async () => {
    const { model } = await startModel();
    const hold = model.hold({ requests: 1, distinct: 'conversation' });
    await model.close();
    await expect(hold.reached).rejects.toMatchObject({ code: 'ORCH_SCRIPTED_MODEL_CLOSED' });
  });
});
