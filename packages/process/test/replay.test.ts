import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createProcessOwner, replayRecord } from '../src/index.js';
import { environment, temporaryDirectory } from './witness.js';

const owner = createProcessOwner({ marker: `replayed-${process.pid}` });
afterAll(async () => {
  expect(await owner.close()).toEqual([]);
});
const script = 'yes héllo | head -n 20000; printf last; echo err >&2; exit 3';
const shell = { argv: ['sh', '-c', script], cwd: '/', env: environment } as const;

test('a result taken over is the one that the owner saw, line by line', async ({
  onTestFinished,
}) => {
  const directory = join(temporaryDirectory(onTestFinished), 'record');
  const [live, again]: [string[], string[]] = [[], []];
  const handlers = (lines: string[]) => ({
    captureBytes: 1000,
    onStdoutLine: (line: string) => void lines.push(line),
    onStderrLine: (line: string) =>
      new Promise<void>((resolve) => {
        lines.push(line);
        setTimeout(resolve, 20);
      }),
  });
  const ended = await owner.run({ ...shell, ...handlers(live), record: { directory } });
  const replayed = await replayRecord(directory, handlers(again));
  expect(live).toHaveLength(20_002);
  expect(again.toSorted()).toEqual(live.toSorted());
  expect(replayed).toEqual({ ...ended, durationMs: expect.any(Number) as number });
  expect(Math.abs((replayed?.durationMs ?? 0) - ended.durationMs)).toBeLessThan(1000);
});

test('a handler that fails, or a line that is too long, is told as while it ran', async ({
  onTestFinished,
}) => {
  const directory = join(temporaryDirectory(onTestFinished), 'record');
  await owner.run({ ...shell, record: { directory } });
  await expect(
    replayRecord(directory, {
      onStderrLine: () => {
        throw new Error('no');
      },
    }),
  ).rejects.toMatchObject({ code: 'ORCH_PROCESS_HANDLER', cause: { message: 'no' } });
  expect(
    await replayRecord(directory, { maxLineBytes: 3, onStdoutLine: () => undefined }),
  ).toMatchObject({ reason: 'output_limit' });
  await expect(replayRecord(directory, { maxLineBytes: 2 ** 30 })).rejects.toMatchObject({
    code: 'ORCH_PROCESS_SPEC',
  });
});

test('there is nothing to take over of a process that is lost, or still runs', async ({
  onTestFinished,
}) => {
  const place = temporaryDirectory(onTestFinished);
  expect(await replayRecord(join(place, 'none'))).toBeUndefined();
  const directory = join(place, 'record');
  const started = await owner.start({ ...shell, argv: ['sleep', '1000'], record: { directory } });
  expect(await replayRecord(directory)).toBeUndefined();
  await started.end();
  expect(await replayRecord(directory)).toMatchObject({ reason: 'cancelled', signal: 'SIGTERM' });
});
