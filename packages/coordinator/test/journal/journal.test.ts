import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createJournal,
  readJournal,
  takeJournal,
  type Journal,
} from '../../src/journal/journal.js';
import { runLayout, type RunLayout } from '../../src/journal/layout.js';
import type { EventBodies } from '../../src/state/index.js';
import type { Json } from '../../src/json.js';
import type { Owner, Owners } from '../../src/index.js';

let directory: string;
let layout: RunLayout;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'orch-journal-'));
  layout = runLayout(directory, 'run0000001');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const clock = { now: () => Date.UTC(2026, 0, 1), monotonic: () => 0 };
const owner = (pid: number): Owner => ({ pid, startTime: '1', bootId: 'boot', host: 'here' });
const ownersOf = (pid: number, alive: readonly number[] = []): Owners => ({
  self: owner(pid),
  isAlive: (other) => alive.includes(other.pid),
});
const started: EventBodies['run.started'] = {
  run: 'run0000001',
  name: 'test',
  plan: 'k1:0',
  base: 'abc',
  branch: 'main',
  mode: 'run',
  version: 'test',
  parallel: 1,
  tasks: [{ id: 'a', label: 'a' }],
};
const create = (pid = 1): Promise<Journal> =>
  createJournal({ layout, clock, owners: ownersOf(pid) }, started);
const take = (pid: number, alive: readonly number[] = [], takeOver = false) =>
  takeJournal({ layout, clock, owners: ownersOf(pid, alive) }, { takeOver });
const skip = (task: string) =>
  ({ type: 'task.skipped', task, cause: 'condition', reason: 'test' }) as const;

describe('append()', () => {
  it('numbers events, keeps them in order and folds them', async () => {
    const seen: number[] = [];
    const journal = await createJournal(
      { layout, clock, owners: ownersOf(1), onEvent: (event) => seen.push(event.seq) },
      started,
    );
    await Promise.all([
      journal.append(skip('a')),
      journal.append(skip('b'), skip('c')),
      journal.append(skip('d')),
    ]);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(Object.keys(journal.state().tasks)).toEqual(['a', 'b', 'c', 'd']);
    await journal.close();
    expect(await readJournal(layout)).toEqual(journal.state());
  });

  it('is refused as soon as a later epoch exists, even when the bytes were written', async () => {
    const old = await create(1);
    await old.append(skip('a'));
    const { journal } = await take(2);
    await expect(old.append(skip('b'))).rejects.toMatchObject({ code: 'ORCH_RUN_TAKEN_OVER' });
    await journal.append(skip('c'));
    const state = await readJournal(layout);
    expect(Object.keys(state.tasks)).toEqual(['a', 'c']);
    expect(state.epoch).toBe(2);
    await Promise.all([old.close(), journal.close()]);
  });

  it('takes nothing more after an event that cannot be written, and stays whole', async () => {
    const journal = await create();
    await journal.append(skip('a'));
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as Json;
    const item = { id: 'f[0]', label: 'f[0]', key: 'k', value: deep };
    const outcomes = await Promise.allSettled([
      journal.append(skip('b')),
      journal.append(skip('c'), { type: 'task.expanded', node: 'f', items: [item] }),
      journal.append(skip('d')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    await expect(journal.append(skip('e'))).rejects.toBe(journal.failure()?.error);
    await journal.close();
    const { journal: taken } = await take(2);
    await taken.append(skip('f'));
    await taken.close();
    expect(Object.keys((await readJournal(layout)).tasks)).toEqual(['a', 'b', 'f']);
  });

  it('keeps a torn last group out, at every length it can be cut to', async () => {
    const journal = await create();
    await journal.append(skip('a'));
    const whole = statSync(layout.segment(1)).size;
    await journal.append(skip('b'), skip('c'));
    await journal.close();
    const full = readFileSync(layout.segment(1));
    for (let length = whole; length < full.length; length += 1) {
      writeFileSync(layout.segment(1), full.subarray(0, length));
      expect(Object.keys((await readJournal(layout)).tasks), `cut to ${length}`).toEqual(['a']);
    }
  });
});

describe('takeJournal()', () => {
  it('refuses a run whose leader lives, and takes one whose leader died', async () => {
    const journal = await create(1);
    await expect(take(2, [1])).rejects.toMatchObject({ code: 'ORCH_RUN_OWNED' });
    const { journal: taken, before } = await take(2, []);
    expect(before.status).toBe('running');
    expect(taken.state().owner?.pid).toBe(2);
    await Promise.all([journal.close(), taken.close()]);
  });

  it('takes a stopped leader’s run only when told to', async () => {
    const journal = await create(1);
    const { journal: taken } = await take(2, [1], true);
    expect(taken.epoch).toBe(2);
    await Promise.all([journal.close(), taken.close()]);
  });

  it('lets exactly one of many takers lead', async () => {
    const journal = await create(1);
    await journal.close();
    for (let round = 0; round < 20; round += 1) {
      const takers = await Promise.allSettled([2, 3, 4, 5].map((pid) => take(pid, [2, 3, 4, 5])));
      const leaders = takers.filter((taker) => taker.status === 'fulfilled');
      expect(leaders).toHaveLength(1);
      const [leader] = leaders;
      if (leader?.status !== 'fulfilled') throw new Error('no leader');
      await leader.value.journal.append({
        type: 'run.ended',
        outcome: 'failed',
        left: 0,
        level: 'test',
      });
      await leader.value.journal.close();
    }
  });

  it('passes over the file of a taker that died before it led', async () => {
    const journal = await create(1);
    await journal.append(skip('a'));
    await journal.close();
    writeFileSync(layout.segment(2), '');
    utimesSync(layout.segment(2), new Date(0), new Date(0));
    const { journal: taken } = await take(3);
    expect(taken.epoch).toBe(3);
    await taken.append(skip('b'));
    await taken.close();
    expect(Object.keys((await readJournal(layout)).tasks)).toEqual(['a', 'b']);
  });

  it('leaves what the old leader wrote beyond the recorded length out for ever', async () => {
    const old = await create(1);
    const { journal } = await take(2);
    await journal.close();
    await old.append(skip('late')).catch(() => undefined);
    await old.close();
    appendFileSync(layout.segment(1), '{"torn');
    expect(Object.keys((await readJournal(layout)).tasks)).toEqual(['a']);
  });
});

describe('readJournal()', () => {
  it('notices every changed byte', async () => {
    const journal = await create();
    await journal.append(skip('a'));
    await journal.close();
    const whole = readFileSync(layout.segment(1));
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      writeFileSync(layout.segment(1), changed);
      const outcome = await readJournal(layout).then(
        (state) => Object.values(state.tasks).map((task) => task.verdict),
        (error: unknown) => (error as { code?: string }).code,
      );
      // Either it is named as broken, or the damaged end was never sealed and does not count.
      expect(outcome, `byte ${at}`).not.toEqual(['skipped']);
    }
  });

  it('notices a segment that was removed', async () => {
    for (const pid of [1, 2, 3])
      await (pid === 1 ? create(1) : take(pid).then(({ journal }) => journal)).then((journal) =>
        journal.close(),
      );
    expect(readdirSync(layout.journal)).toEqual(['1.jsonl', '2.jsonl', '3.jsonl']);
    rmSync(layout.segment(2));
    await expect(readJournal(layout)).rejects.toMatchObject({ code: 'ORCH_JOURNAL_BROKEN' });
  });

  it('notices a segment that is shorter than its successor recorded', async () => {
    const journal = await create(1);
    await journal.append(skip('a'));
    await journal.close();
    await take(2).then(({ journal: taken }) => taken.close());
    truncateSync(layout.segment(1), statSync(layout.segment(1)).size - 10);
    await expect(readJournal(layout)).rejects.toMatchObject({ code: 'ORCH_JOURNAL_BROKEN' });
  });

  it('says that there is no run', async () => {
    await expect(readJournal(layout)).rejects.toMatchObject({ code: 'ORCH_RUN_NOT_FOUND' });
  });
});
