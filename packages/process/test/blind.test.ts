import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createEnding } from '../src/ending.js';
import { createProcessTable, type TableSystem } from '../src/process-table.js';
import { createTreeFinder, type Tree } from '../src/tree.js';
import { bundle } from './bundle.js';
import { environment } from './witness.js';

const blind = await bundle('blind.ts');

/** A process table whose system has no room for another file, while `isFull`. */
function createFullTable() {
  const state = { isFull: false };
  const guard = (): void => {
    if (state.isFull) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
  };
  const limited: Pick<TableSystem['fs'], 'openSync' | 'readFileSync' | 'readdirSync'> = {
    openSync(path, flags) {
      guard();
      return fs.openSync(path, flags);
    },
    readFileSync(path, encoding) {
      guard();
      return fs.readFileSync(path, encoding);
    },
    readdirSync(path) {
      guard();
      return fs.readdirSync(path);
    },
  };
  const all = Object.assign(Object.create(fs) as typeof fs, limited);
  const table = createProcessTable({ platform: 'linux', fs: all, runProgram: () => '' });
  return { state, table };
}

/** A living process of a tree, which a table knows before it is full. */
function startTree(clean: (end: () => void) => void) {
  const branch = `blind-test-${process.pid}/1`;
  const env = { PATH: process.env['PATH'], ORCH_PROCESS_TREE: branch };
  const child = spawn('sleep', ['1000'], { env, stdio: 'ignore' });
  clean(() => void child.kill('SIGKILL'));
  const pid = child.pid ?? 0;
  const { state, table } = createFullTable();
  const tree: Tree = {
    known: new Map([[pid, table.entry(pid)?.startTime ?? '']]),
    justLeft: new Set(),
    owner: undefined,
    branch,
    since: 0,
    spared: new Set(),
  };
  const finder = createTreeFinder(table);
  /** The clock of the test: it goes on while somebody sleeps. */
  const clock = { nowMs: 0 };
  const ending = createEnding(table, finder, {
    kill: (target, signal) => void process.kill(target, signal),
    async sleep(ms) {
      clock.nowMs += ms;
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
    nowMs: () => clock.nowMs,
  });
  return { child, pid, state, table, tree, finder, ending, clock };
}

describe.runIf(process.platform === 'linux')('where no file can be opened', () => {
  test('a look proves nothing; control: with room again, it sees what lives', ({
    onTestFinished,
  }) => {
    const { pid, state, table, tree, finder } = startTree(onTestFinished);
    state.isFull = true;
    // The file that is kept open makes room, and this is lost to somebody else.
    expect(finder.look(tree)).toEqual({ members: [], empty: 0 });
    expect(finder.look(tree)).toEqual({ members: [], empty: 0 });
    expect(table.missed()).toBeGreaterThan(0);
    state.isFull = false;
    expect(finder.look(tree).members.map((member) => member.pid)).toEqual([pid]);
  });

  test('ending waits, and looks again until it can see', async ({ onTestFinished }) => {
    const { child, state, tree, ending, clock } = startTree(onTestFinished);
    const exited = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    state.isFull = true;
    const ended = ending.end(tree, 0);
    await expect.poll(() => clock.nowMs).toBeGreaterThan(1000);
    expect(child.exitCode ?? child.signalCode).toBeNull();
    state.isFull = false;
    expect(await ended).toEqual([]);
    expect(await exited).toBe('SIGKILL');
  });

  test('for too long, what may live is named', async ({ onTestFinished }) => {
    const { pid, state, table, tree, ending } = startTree(onTestFinished);
    const startTime = table.entry(pid)?.startTime;
    state.isFull = true;
    const named = [{ pid, startTime, name: '', state: '?' }];
    expect(await ending.end(tree, 0)).toMatchObject(named);
    expect(await ending.members(tree)).toMatchObject(named);
  });

  test('and other code takes every file that becomes free, a process that lives is not told as ended', async () => {
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', `ulimit -n 60; exec '${process.execPath}' '${blind}'`],
      { env: environment },
    );
    expect(JSON.parse(stdout)).toEqual({
      whileBlind: { isAlive: true, isToldAsEnded: false },
      reason: 'cancelled',
      survivors: [],
      left: 0,
    });
  });
});
