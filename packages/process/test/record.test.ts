import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  createProcessOwner,
  probeLevels,
  ProcessError,
  readRecord,
  type ProcessSpec,
} from '../src/index.js';
import { helperState, prepareHelper } from '../src/spawn-helper.js';
import { environment, temporaryDirectory, until, type Cleanup } from './witness.js';

const owner = createProcessOwner({ marker: `recorded-${process.pid}` });
afterAll(async () => {
  expect(await owner.close()).toEqual([]);
});

const shell = (script: string): Omit<ProcessSpec, 'record'> => ({
  argv: ['sh', '-c', script],
  cwd: '/',
  env: environment,
});
const recordIn = (clean: Cleanup, more: { maxFileBytes?: number; leaseMs?: number } = {}) => ({
  directory: join(temporaryDirectory(clean), 'record'),
  ...more,
});
const read = (path: string) => readFileSync(path, 'utf8');
const codeOf = (start: Promise<unknown>): Promise<unknown> =>
  start.then(
    () => 'started',
    (error: unknown) => (ProcessError.isInstance(error) ? error.code : error),
  );

describe('a process with a record', () => {
  test('speaks and listens while it runs, and its files hold what it said', async ({
    onTestFinished,
  }) => {
    const record = recordIn(onTestFinished);
    const lines: string[] = [];
    const started = await owner.start({
      ...shell('while read -r line; do echo "got $line"; echo err >&2; done'),
      stdin: 'pipe',
      record,
      onStdoutLine: (line) => void lines.push(line),
    });
    await started.write('one\n');
    await until(() => lines.length === 1, 'the first answer');
    expect(await readRecord(record.directory)).toEqual({
      state: 'running',
      identity: started.identity,
    });
    await started.write('twö\n');
    started.closeStdin();
    expect(await started.ended).toMatchObject({
      reason: 'exited',
      stdout: { text: 'got one\ngot twö\n', bytes: 17 },
      stderr: { text: 'err\nerr\n' },
    });
    expect(lines).toEqual(['got one', 'got twö']);
    const found = await readRecord(record.directory);
    if (found.state !== 'ended') throw new Error('There is no end.');
    expect([read(found.stdout), read(found.stderr)]).toEqual(['got one\ngot twö\n', 'err\nerr\n']);
    expect(statSync(record.directory).mode & 0o777).toBe(0o700);
    expect(statSync(found.stdout).mode & 0o777).toBe(0o600);
  });

  test.for<[string, Partial<ProcessSpec>, object]>([
    ['exit 3', {}, { reason: 'exited', code: 3, signal: null }],
    ['kill -9 $$', {}, { reason: 'exited', code: 137, signal: null }],
    ['exec sleep 1000', { wallMs: 200 }, { reason: 'timed_out', code: null, signal: 'SIGTERM' }],
    [
      'trap "exit 5" TERM; while :; do sleep 0.05; done',
      { idleMs: 300 },
      { reason: 'stalled', code: 5 },
    ],
    [
      'trap "" TERM; while :; do sleep 0.05; done',
      { wallMs: 200, graceMs: 100 },
      { reason: 'timed_out', code: null, signal: 'SIGKILL' },
    ],
    [
      'echo a long line; sleep 1000',
      { maxLineBytes: 3 },
      { reason: 'output_limit', signal: 'SIGTERM' },
    ],
    ['setsid sleep 1000 & exit 0', { drainMs: 0 }, { reason: 'exited', code: 0 }],
  ])('its record says of %j what its owner was told', async ([script, more, expected], context) => {
    const record = recordIn(context.onTestFinished);
    const onStdoutLine = () => undefined;
    const ended = await owner.run({ ...shell(script), onStdoutLine, record, ...more });
    expect(ended).toMatchObject({ ...expected, survivors: [] });
    const { reason, code, signal } = ended;
    expect(await readRecord(record.directory)).toMatchObject({
      state: 'ended',
      reason,
      code,
      signal,
    });
  });

  test('can be ended as soon as it has started', async ({ onTestFinished }) => {
    for (let round = 0; round < 20; round += 1) {
      const record = recordIn(onTestFinished);
      const started = await owner.start({ ...shell('exec sleep 1000'), record });
      // Sooner or later in the life of the shell between.
      await new Promise((resolve) => setTimeout(resolve, round / 5));
      expect(await started.end()).toMatchObject({ reason: 'cancelled', signal: 'SIGTERM' });
    }
  });

  test('who was asked to end by somebody else than its owner is recorded by its owner', async ({
    onTestFinished,
  }) => {
    const record = recordIn(onTestFinished);
    const started = await owner.start({ ...shell('echo up; exec sleep 1000'), record });
    await until(() => read(join(record.directory, 'stdout')) === 'up\n', 'the program to run');
    process.kill(-started.identity.pid, 'SIGTERM');
    expect(await started.ended).toMatchObject({ reason: 'exited', code: 143 });
    expect(await readRecord(record.directory)).toMatchObject({ state: 'ended', code: 143 });
    // The control: an owner that died has not.
    const exit = join(record.directory, 'exit.json');
    writeFileSync(exit, '{"v":1,"code":143,"asked":true}\n');
    expect(await readRecord(record.directory)).toEqual({ state: 'lost' });
    writeFileSync(exit, '{"v":1,"code":143,"asked":false}\n');
    expect(await readRecord(record.directory)).toMatchObject({ state: 'ended', code: 143 });
  });

  test('a record that was torn when the machine stopped says that the process is lost', async ({
    onTestFinished,
  }) => {
    const record = recordIn(onTestFinished);
    await owner.run({ ...shell('exit 3'), record });
    const exit = join(record.directory, 'exit.json');
    const whole = read(exit);
    for (let length = 0; length < whole.length; length += 1) {
      writeFileSync(exit, whole.slice(0, length));
      expect(await readRecord(record.directory)).toEqual({ state: 'lost' });
    }
    writeFileSync(exit, whole);
    expect(await readRecord(record.directory)).toMatchObject({ state: 'ended', code: 3 });
    writeFileSync(exit, whole.replace('"v":1', '"v":2'));
    expect(await codeOf(readRecord(record.directory))).toBe('ORCH_PROCESS_RECORD');
    expect(await codeOf(readRecord('relative'))).toBe('ORCH_PROCESS_SPEC');
  });

  test('kill -9 of the shim: the process is lost, and nothing of it is left', async ({
    onTestFinished,
  }) => {
    const record = recordIn(onTestFinished);
    const started = await owner.start({
      ...shell('setsid sleep 1000 & kill -9 $PPID; exec sleep 1000'),
      record,
      graceMs: 100,
    });
    expect(await started.ended).toMatchObject({ reason: 'lost', code: null, survivors: [] });
    expect(await readRecord(record.directory)).toEqual({ state: 'lost' });
    expect(await owner.left()).toEqual([]);
  });

  test('kill -9 of the spawn helper: its end is known all the same', async ({ onTestFinished }) => {
    const record = recordIn(onTestFinished);
    await prepareHelper();
    await until(() => helperState().isReady, 'the spawn helper to be ready');
    const helper = helperState().pid ?? 0;
    const lines: string[] = [];
    const onStdoutLine = (line: string) => void lines.push(line);
    const started = await owner.start({
      ...shell('read -r go; echo done; exit 7'),
      stdin: 'pipe',
      record,
      onStdoutLine,
    });
    const other = await owner.start(shell('exec sleep 1000'));
    process.kill(helper, 'SIGKILL');
    expect(await other.ended).toMatchObject({ reason: 'lost' }); // the control: it has no record
    await started.write('go\n');
    expect(await started.ended).toMatchObject({ reason: 'exited', code: 7, survivors: [] });
    expect(lines).toEqual(['done']);
    expect(await readRecord(record.directory)).toMatchObject({ state: 'ended', code: 7 });
  });

  test('a file that grows too large ends it', async ({ onTestFinished }) => {
    const record = recordIn(onTestFinished, { maxFileBytes: 100_000 });
    const { reason, stdout } = await owner.run({ ...shell('yes'), record });
    expect(reason).toBe('output_limit');
    expect(stdout.bytes).toBe(statSync(join(record.directory, 'stdout')).size);
    const enough = { ...recordIn(onTestFinished), maxFileBytes: 100_000 };
    const ended = await owner.run({ ...shell('head -c 100000 /dev/zero'), record: enough });
    expect(ended).toMatchObject({ reason: 'exited', code: 0, stdout: { bytes: 100_000 } });
  });

  test('a slow handler gets every line of what was written long before', async ({
    onTestFinished,
  }) => {
    const record = recordIn(onTestFinished);
    let lines = 0;
    const ended = await owner.run({
      ...shell('yes 0123456789 | head -n 1000000'),
      record,
      onStdoutLine: () => {
        lines += 1;
        return lines % 50_000 === 0 ? new Promise((resolve) => setTimeout(resolve, 20)) : undefined;
      },
    });
    expect([ended.reason, ended.stdout.bytes, lines]).toEqual(['exited', 11_000_000, 1_000_000]);
  });

  test('what cannot be recorded is not started, and what is not started has no record', async ({
    onTestFinished,
  }) => {
    const record = recordIn(onTestFinished);
    mkdirSync(record.directory);
    const proof = join(record.directory, 'proof');
    expect(await codeOf(owner.start({ ...shell(`echo >${proof}`), record }))).toBe(
      'ORCH_PROCESS_RECORD',
    );
    expect(readdirSync(record.directory)).toEqual([]);
    const other = recordIn(onTestFinished);
    expect(
      await codeOf(
        owner.start({ argv: ['no-such-program'], cwd: '/', env: environment, record: other }),
      ),
    ).toBe('ORCH_PROCESS_START');
    expect(existsSync(other.directory)).toBe(false);
    for (const wrong of [
      { directory: 'relative' },
      { ...other, leaseMs: 10 },
      { ...other, maxFileBytes: -1 },
    ])
      expect(await codeOf(owner.start({ ...shell('true'), record: wrong }))).toBe(
        'ORCH_PROCESS_SPEC',
      );
  });

  test('an end that cannot be recorded is an error that tells it', async ({ onTestFinished }) => {
    const record = recordIn(onTestFinished);
    const error: unknown = await owner
      .run({ ...shell(`rm -r ${record.directory}; exit 4`), record })
      .catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'ORCH_PROCESS_RECORD',
      details: { ended: { reason: 'exited', code: 4 } },
    });
  });
});

const levels = (await probeLevels()).all.flatMap((probe) =>
  probe.works && probe.level !== 'process group' ? [[probe.level, probe.hold] as const] : [],
);
test.for(levels)('held by a %s, a process keeps its record', async ([level, hold], context) => {
  const held = createProcessOwner({ marker: `recorded-${process.pid}-${level.slice(0, 3)}`, hold });
  const record = recordIn(context.onTestFinished);
  expect(await held.run({ ...shell('cat; exit 3'), input: 'said', record })).toMatchObject({
    code: 3,
    stdout: { text: 'said' },
  });
  expect(await readRecord(record.directory)).toMatchObject({ state: 'ended', code: 3 });
  const late = recordIn(context.onTestFinished);
  expect(await held.run({ ...shell('exec sleep 1000'), wallMs: 200, record: late })).toMatchObject({
    reason: 'timed_out',
    signal: 'SIGTERM',
  });
  expect(await readRecord(late.directory)).toMatchObject({
    reason: 'timed_out',
    signal: 'SIGTERM',
  });
  expect(await held.close()).toEqual([]);
});

test.runIf(process.platform === 'linux')(
  'a process with a record holds no file of its owner open',
  async ({ onTestFinished }) => {
    const record = recordIn(onTestFinished);
    const listing = await owner.run({
      ...shell('ls -l /proc/self/fd | wc -l; readlink /proc/self/fd/1'),
      record,
    });
    const plain = await owner.run(shell('ls -l /proc/self/fd | wc -l; readlink /proc/self/fd/1'));
    expect(listing.stdout.text.split('\n')[0]).toBe(plain.stdout.text.split('\n')[0]);
    expect(listing.stdout.text.split('\n')[1]).toBe(join(record.directory, 'stdout'));
  },
);
