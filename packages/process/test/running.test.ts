import { describe, expect, test } from 'vitest';
import { createProcessOwner, isAlive } from '../src/index.js';
import { environment } from './witness.js';

let count = 0;
const createOwner = () => createProcessOwner({ marker: `running-${process.pid}.${(count += 1)}` });
const shell = (script: string) => ({
  argv: ['sh', '-c', script] as [string, ...string[]],
  cwd: '/',
  env: environment,
});

describe.concurrent('run()', () => {
  test('tells the exit code, the signal, and the time it took', async () => {
    const owner = createOwner();
    const left = await owner.run(shell('echo out; echo err >&2; exit 3'));
    expect(left).toMatchObject({ reason: 'exited', code: 3, signal: null, survivors: [] });
    expect([left.stdout.text, left.stderr.text]).toEqual(['out\n', 'err\n']);
    const killed = await owner.run(shell('kill -9 $$'));
    expect(killed).toMatchObject({ reason: 'exited', code: null, signal: 'SIGKILL' });
    const slept = await owner.run(shell('sleep 0.3'));
    expect(slept.durationMs).toBeGreaterThanOrEqual(200);
    await owner.close();
  });

  test('writes the input, however long, and closes stdin after it', async () => {
    const owner = createOwner();
    const input = 'héllo\n'.repeat(500_000);
    const ended = await owner.run({ ...shell('wc -c; cat'), input });
    expect(ended.stdout.text).toBe(`${Buffer.byteLength(input)}\n`);
    expect(await owner.run({ ...shell('cat'), input: '' })).toMatchObject({
      code: 0,
      stdout: { bytes: 0 },
    });
    await owner.close();
  });

  test('is content with a program that does not read its input', async () => {
    const owner = createOwner();
    const ended = await owner.run({
      ...shell('exec <&-; echo done'),
      input: 'x'.repeat(5_000_000),
    });
    expect(ended).toMatchObject({ reason: 'exited', code: 0, stdout: { text: 'done\n' } });
    await owner.close();
  });

  test('gives a program without input the end of stdin at once', async () => {
    const owner = createOwner();
    expect(await owner.run(shell('cat; echo end'))).toMatchObject({ stdout: { text: 'end\n' } });
    await owner.close();
  });

  test('ends a program at wallMs although it is busy; control: without the limit it ends by itself', async () => {
    const owner = createOwner();
    const busy = shell('n=0; while [ $n -lt 15 ]; do echo $n; n=$((n+1)); sleep 0.1; done');
    expect(await owner.run({ ...busy, wallMs: 300 })).toMatchObject({
      reason: 'timed_out',
      signal: 'SIGTERM',
    });
    expect(await owner.run(busy)).toMatchObject({ reason: 'exited', code: 0 });
    await owner.close();
  });

  test('gives graceMs to a program that cleans up, and KILLs one that takes longer', async () => {
    const owner = createOwner();
    const script =
      "trap 'sleep 0.5; echo clean; exit 5' TERM; echo up; while :; do sleep 0.05; done";
    const polite = await owner.run({ ...shell(script), wallMs: 300, graceMs: 10_000 });
    expect(polite).toMatchObject({ reason: 'timed_out', code: 5, stdout: { text: 'up\nclean\n' } });
    const rude = await owner.run({ ...shell(script), wallMs: 300, graceMs: 100 });
    expect(rude).toMatchObject({
      reason: 'timed_out',
      signal: 'SIGKILL',
      stdout: { text: 'up\n' },
    });
    await owner.close();
  });

  test('answers an aborted signal with `cancelled`, before the start and after it', async () => {
    const owner = createOwner();
    const controller = new AbortController();
    const running = owner.run({
      ...shell('echo up; sleep 1000'),
      signal: controller.signal,
      onStdoutLine: () => controller.abort(),
    });
    expect(await running).toMatchObject({
      reason: 'cancelled',
      signal: 'SIGTERM',
      stdout: { text: 'up\n' },
    });
    const late = await owner.run({ ...shell('echo up'), signal: controller.signal });
    expect(late).toMatchObject({ reason: 'cancelled', code: null, stdout: { bytes: 0 } });
    expect(late.stdout.sha256).toBe((await owner.run(shell('true'))).stdout.sha256);
    await expect(
      owner.start({ ...shell('true'), signal: controller.signal }),
    ).rejects.toMatchObject({
      code: 'ORCH_PROCESS_CANCELLED',
    });
    await owner.close();
  });
});

test('one signal aborts a hundred programs, without a warning of a leak', async () => {
  const owner = createOwner();
  const warnings: string[] = [];
  const hear = (warning: Error): void => void warnings.push(warning.name);
  process.on('warning', hear);
  const controller = new AbortController();
  const { signal } = controller;
  const runs = Array.from({ length: 100 }, () => owner.run({ ...shell('sleep 1000'), signal }));
  const quick = await owner.run({ ...shell('exit 3'), signal }); // lets go of the signal
  controller.abort();
  const reasons = (await Promise.all(runs)).map(({ reason }) => reason);
  expect(new Set(reasons)).toEqual(new Set(['cancelled']));
  expect([quick.code, reasons.length]).toEqual([3, 100]);
  expect(await owner.close()).toEqual([]);
  process.off('warning', hear);
  expect(warnings).toEqual([]);
});

describe.concurrent('a running process', () => {
  test('is written to and read from, line by line', async () => {
    const owner = createOwner();
    const lines: string[] = [];
    const started = await owner.start({
      ...shell('cat'),
      stdin: 'pipe',
      onStdoutLine: (line) => void lines.push(line),
    });
    expect(await started.write('one\ntwo\n')).toBe(true);
    expect(await started.write('three')).toBe(true);
    started.closeStdin();
    expect(await started.ended).toMatchObject({ reason: 'exited', code: 0 });
    expect(lines).toEqual(['one', 'two', 'three']);
    expect(await started.write('late')).toBe(false);
    await owner.close();
  });

  test('that no longer reads makes write() answer false, never throw', async () => {
    const owner = createOwner();
    const controller = new AbortController();
    const started = await owner.start({
      ...shell('exec <&-; echo closed; sleep 1000'),
      stdin: 'pipe',
      onStdoutLine: () => controller.abort(),
    });
    await new Promise((resolve) => {
      controller.signal.addEventListener('abort', resolve);
    });
    expect(await started.write('into nothing')).toBe(false);
    expect(await started.write('again')).toBe(false);
    await owner.close();
  });

  test('whose spec closed stdin refuses write() with ORCH_PROCESS_STDIN', async () => {
    const owner = createOwner();
    const started = await owner.start(shell('sleep 1000'));
    await expect(started.write('x')).rejects.toMatchObject({ code: 'ORCH_PROCESS_STDIN' });
    await owner.close();
  });
});

describe.concurrent('an owner', () => {
  test('lists what is left by name, ends all of it, and can then start again', async () => {
    const owner = createOwner();
    const started = await Promise.all(
      [1, 2, 3].map((n) => owner.start({ argv: ['sleep', `100${n}`], cwd: '/', env: environment })),
    );
    const left = await owner.left();
    expect(left.map((survivor) => survivor.name)).toEqual(['sleep', 'sleep', 'sleep']);
    expect(left.map((survivor) => survivor.pid).sort()).toEqual(
      started.map(({ identity }) => identity.pid).sort(),
    );
    expect(await owner.endAll()).toEqual([]);
    expect(started.map(({ identity }) => isAlive(identity))).toEqual([false, false, false]);
    expect(
      (await Promise.all(started.map(({ ended }) => ended))).map(({ reason }) => reason),
    ).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(await owner.left()).toEqual([]);
    expect(await owner.run(shell('exit 4'))).toMatchObject({ code: 4 });
    expect(await owner.close()).toEqual([]);
  });

  test('that is closed while programs start leaves none of them', async () => {
    const owner = createOwner();
    const starts = Promise.allSettled(
      Array.from({ length: 10 }, () => owner.start(shell('sleep 1000'))),
    );
    expect(await owner.close()).toEqual([]);
    for (const start of await starts) {
      if (start.status === 'fulfilled') expect(isAlive(start.value.identity)).toBe(false);
    }
    await expect(owner.start(shell('true'))).rejects.toMatchObject({ code: 'ORCH_PROCESS_CLOSED' });
    expect(await owner.left()).toEqual([]);
  });

  test('refuses a marker that could not be found again', () => {
    for (const marker of ['', 'two words', 'a/b', 'a=b', 'é']) {
      expect(() => createProcessOwner({ marker })).toThrow(
        expect.objectContaining({ code: 'ORCH_PROCESS_SPEC' }),
      );
    }
  });
});
