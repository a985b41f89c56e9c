import { constants } from 'node:buffer';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, openSync, closeSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test, vi } from 'vitest';
import {
  createProcessOwner,
  isAlive,
  ProcessError,
  type ProcessIdentity,
  type ProcessSpec,
} from '../src/index.js';
import { spawnTurn } from '../src/spawn-pace.js';
import { bundle } from './bundle.js';
import { environment, temporaryDirectory } from './witness.js';

const crowd = await bundle('crowd.ts');
const room = await bundle('room.ts');
const owner = createProcessOwner({ marker: `starting-${process.pid}` });
afterAll(async () => {
  expect(await owner.close()).toEqual([]);
});

const env = environment;
const shell = (script: string) => ({
  argv: ['sh', '-c', script] as [string, ...string[]],
  cwd: '/',
  env,
});
const refusal = async (spec: ProcessSpec): Promise<ProcessError> => {
  const error: unknown = await owner.start(spec).then(
    (started) => started.end(),
    (reason: unknown) => reason,
  );
  if (!ProcessError.isInstance(error)) throw new Error('It was not refused.', { cause: error });
  return error;
};

describe('a program that cannot be started', () => {
  test('because it is not in PATH: ENOENT, and where it was looked for', async () => {
    const error = await refusal({
      argv: ['no-such-program'],
      cwd: '/',
      env: { PATH: '/bin:/nowhere' },
    });
    expect(error).toMatchObject({
      code: 'ORCH_PROCESS_START',
      details: { reason: 'ENOENT', program: 'no-such-program' },
    });
    expect(error.message).toContain('/bin:/nowhere');
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('because its directory does not exist: the directory is named, not the program', async () => {
    const error = await refusal({ argv: ['true'], cwd: '/no/such/directory', env });
    expect(error).toMatchObject({ code: 'ORCH_PROCESS_START', details: { reason: 'ENOENT' } });
    expect(error.message).toContain('directory /no/such/directory does not exist');
  });

  test('because it may not be run: EACCES, and what to do', async ({ onTestFinished }) => {
    const program = join(temporaryDirectory(onTestFinished), 'program');
    writeFileSync(program, '#!/bin/sh\nexit 7\n');
    const error = await refusal({ argv: [program], cwd: '/', env });
    expect(error).toMatchObject({ code: 'ORCH_PROCESS_START', details: { reason: 'EACCES' } });
    expect(error.message).toContain('chmod +x');
    chmodSync(program, 0o755);
    expect(await owner.run({ argv: [program], cwd: '/', env })).toMatchObject({ code: 7 });
  });

  test('because its arguments are too long: E2BIG, and what to do', async () => {
    const error = await refusal({ argv: ['true', 'x'.repeat(3_000_000)], cwd: '/', env });
    expect(error).toMatchObject({ code: 'ORCH_PROCESS_START', details: { reason: 'E2BIG' } });
    expect(error.message).toContain('stdin');
  });

  test.for([
    ['', 'the others stay owned, and later starts work'],
    ['with a record', 'nothing of the record stays, so that a later start can have its directory'],
  ])('%s because too many files are open: EMFILE; %s', async ([record], { onTestFinished }) => {
    const records = record === '' ? '' : temporaryDirectory(onTestFinished);
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', `ulimit -n 60; exec node '${crowd}' ${records}`],
      { env },
    );
    const told = JSON.parse(stdout) as { started: number; left: number };
    expect(told).toMatchObject({
      error: { code: 'ORCH_PROCESS_START', reason: 'EMFILE' },
      isMade: false,
      again: 0,
    });
    expect(told.started).toBeGreaterThan(3);
    // Beside each program with a record there are two shells.
    expect(told.left).toBe(told.started * (record === '' ? 1 : 3));
  });

  test('because others have all the files: it waits for them; control: child_process does not', async () => {
    const under64 = async (...args: string[]) => {
      const script = `ulimit -n 64; exec node '${room}' 150 40 ${args.join(' ')}`;
      const { stdout } = await promisify(execFile)('sh', ['-c', script], { env });
      return JSON.parse(stdout) as { well: number };
    };
    const none = { problems: {}, left: 0, survivors: 0 };
    expect(await under64()).toEqual({ well: 150, ...none });
    expect(await under64('record')).toEqual({ well: 150, ...none });
    expect((await under64('direct')).well).toBeLessThan(150);
  });

  test.each([
    ['an empty program', { argv: [''] as [string], cwd: '/', env }],
    ['a relative directory', { argv: ['true'] as [string], cwd: 'src', env }],
    ['NUL in an argument', { argv: ['true', 'a\0b'] as [string, string], cwd: '/', env }],
    [
      '"=" in the name of a variable',
      { argv: ['true'] as [string], cwd: '/', env: { 'A=B': 'c' } },
    ],
    ['a limit that is not a number', { argv: ['true'] as [string], cwd: '/', env, wallMs: NaN }],
    [
      'a limit that timers cannot count to',
      { argv: ['true'] as [string], cwd: '/', env, idleMs: 2 ** 31 },
    ],
    [
      'a line that is longer than any text',
      { argv: ['true'] as [string], cwd: '/', env, maxLineBytes: constants.MAX_STRING_LENGTH + 1 },
    ],
  ])('because of %s: ORCH_PROCESS_SPEC', async (_, spec) => {
    expect(await refusal(spec)).toMatchObject({ code: 'ORCH_PROCESS_SPEC' });
  });
});

describe('a started program', () => {
  test('gets exactly the given environment and the two markers', async () => {
    vi.stubEnv('NODE_V8_COVERAGE', '/tmp');
    vi.stubEnv('LEAKED', 'yes');
    const ended = await owner.run({ argv: ['/usr/bin/env'], cwd: '/', env: { A: 'b' } });
    vi.unstubAllEnvs();
    const names = ended.stdout.text
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0])
      .sort();
    expect(names).toEqual(['A', 'ORCH_PROCESS_OWNER', 'ORCH_PROCESS_TREE']);
    expect(ended.stdout.text).toContain(`ORCH_PROCESS_OWNER=${owner.marker}\n`);
  });

  test('runs in its directory and inherits no file, pipe or socket of the owner', async ({
    onTestFinished,
  }) => {
    const directory = temporaryDirectory(onTestFinished);
    mkdirSync(join(directory, 'here'));
    const secret = join(directory, 'secret');
    const file = openSync(secret, 'w');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const other = await owner.start({ ...shell('cat'), stdin: 'pipe' });
    const ended = await owner.run({
      ...shell('pwd; for fd in /proc/self/fd/*; do readlink $fd; done'),
      cwd: join(directory, 'here'),
    });
    closeSync(file);
    server.close();
    await other.end();
    const [pwd, ...files] = ended.stdout.text.trim().split('\n');
    expect(pwd).toBe(join(directory, 'here'));
    expect(files).not.toContain(secret);
    // Its own stdout and stderr are the only sockets.
    expect(files.filter((name) => name.startsWith('socket:'))).toHaveLength(2);
    expect(files[0]).toBe('/dev/null');
  });

  test('is recorded before start() resolves, and its end before `ended` does', async () => {
    const entries: string[] = [];
    const recording = createProcessOwner({
      marker: `recorded-${process.pid}`,
      ledger: {
        async started(entry) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          entries.push(`started ${entry.pid} ${entry.argv0} ${String(isAlive(entry))}`);
        },
        async ended(entry) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          entries.push(`ended ${entry.pid} ${String(isAlive(entry))}`);
        },
      },
    });
    const started = await recording.start(shell('sleep 1000'));
    const { pid } = started.identity;
    expect(entries).toEqual([`started ${pid} sh true`]);
    await started.end();
    expect(entries).toEqual([`started ${pid} sh true`, `ended ${pid} false`]);
    expect(await recording.close()).toEqual([]);
  });

  test('that ends before the ledger has recorded it loses no output', async () => {
    const slow = createProcessOwner({
      marker: `slow-${process.pid}`,
      ledger: {
        started: () => new Promise((resolve) => setTimeout(resolve, 500)),
        ended: () => Promise.resolve(),
      },
    });
    const lines: string[] = [];
    const ended = await slow.run({
      ...shell('echo quick'),
      onStdoutLine: (line) => void lines.push(line),
    });
    expect(ended).toMatchObject({ reason: 'exited', code: 0, stdout: { text: 'quick\n' } });
    expect(lines).toEqual(['quick']);
    await slow.close();
  });

  test('is ended again when the ledger cannot record it', async () => {
    const cause = new Error('disk full');
    const entries: ProcessIdentity[] = [];
    const failing = createProcessOwner({
      marker: `unrecorded-${process.pid}`,
      ledger: {
        started: (entry) => {
          entries.push(entry);
          return Promise.reject(cause);
        },
        ended: () => Promise.resolve(),
      },
    });
    await expect(failing.start(shell('sleep 1000'))).rejects.toMatchObject({
      code: 'ORCH_PROCESS_LEDGER',
      cause,
    });
    expect(entries.map(isAlive)).toEqual([false]);
    expect(await failing.close()).toEqual([]);
  });
});

describe('bursts', () => {
  test('start at most one program per turn of the event loop; control: resolved promises share a turn', async () => {
    let turn = 0;
    let counting = true;
    const count = (): void => {
      turn += 1;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const turnsOf = (promises: Promise<void>[]) =>
      Promise.all(promises.map((promise) => promise.then(() => turn)));
    const paced = await turnsOf(Array.from({ length: 50 }, () => spawnTurn()));
    expect(new Set(paced).size).toBe(50);
    const unpaced = await turnsOf(Array.from({ length: 50 }, () => Promise.resolve()));
    expect(new Set(unpaced).size).toBe(1);
    counting = false;
  });

  test('of 40 programs all start and all end', async () => {
    const runs = await Promise.all(
      Array.from({ length: 40 }, (_, n) => owner.run(shell(`exit ${n}`))),
    );
    expect(runs.map((ended) => ended.code)).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });
});
