import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createProcessOwner, type ProcessSpec } from '@orch/process';
import { bound, compare, median } from '../../../tooling/bench/compare.js';

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
const owner = createProcessOwner({ marker: `bench-${process.pid}` });
// In the package, because /tmp may be memory, where nothing has to be made durable.
const place = mkdtempSync(join(import.meta.dirname, 'records-'));
let count = 0;
const fresh = (): string => join(place, String((count += 1)));

async function start(more: Partial<ProcessSpec>): Promise<void> {
  const ended = await owner.run({ argv: ['true'], cwd: '/', env, ...more });
  if (ended.code !== 0 || ended.survivors.length > 0) throw new Error('true did not end well');
}

/** What has to be durable, without any process. */
async function writesAlone(): Promise<void> {
  const directory = fresh();
  await mkdir(directory);
  const files = ['stdout', 'stderr', 'exit.json'].map((name) => join(directory, name));
  for (const path of files) {
    const file = await open(path, 'w');
    if (path.endsWith('json')) await file.writeFile('{"v":1,"code":0,"asked":false}\n');
    await file.sync();
    await file.close();
  }
  const self = await open(directory, 'r');
  await self.sync();
  await self.close();
}

async function medianMs(run: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 40; round += 1) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

await compare({
  suite: 'process',
  case: 'start and end of `true` with a record, median of 40',
  unit: 'ms',
  better: 'lower',
  ours: () => medianMs(() => start({ record: { directory: fresh() } })),
  peers: [{ name: 'ours without a record', run: () => medianMs(() => start({})) }],
  limit: { name: 'its durable writes alone', run: () => medianMs(writesAlone) },
});

/** Milliseconds from a line to a program until the owner has its answer. */
async function answerMs(more: Partial<ProcessSpec>): Promise<number> {
  let heard: (() => void) | undefined;
  const onStdoutLine = (): void => heard?.();
  const spec = { argv: ['cat'], cwd: '/', env, stdin: 'pipe', onStdoutLine } as const;
  const started = await owner.start({ ...spec, ...more });
  const ask = (): Promise<void> =>
    new Promise((resolve) => {
      heard = resolve;
      void started.write('line\n');
    });
  await ask();
  const result = await medianMs(ask);
  started.closeStdin();
  await started.ended;
  return result;
}

await compare({
  suite: 'process',
  case: 'a line to `cat` and back with a record, median of 40',
  unit: 'ms',
  better: 'lower',
  ours: () => answerMs({ record: { directory: fresh() } }),
  peers: [{ name: 'ours without a record', run: () => answerMs({}) }],
});

const started = await owner.start({
  argv: ['sleep', '1000'],
  cwd: '/',
  env,
  record: { directory: fresh() },
});
await new Promise((resolve) => setTimeout(resolve, 200));
const { pid } = started.identity;
const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
const shells = [String(pid), ...children].filter((one) =>
  readFileSync(`/proc/${one}/cmdline`, 'utf8').includes('orch-shim'),
);
const kibibytes = shells.map((one) =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, 'utf8'))?.[1]),
);
bound({
  suite: 'process',
  case: `memory of a shim (${shells.length} shells, proportional set size)`,
  unit: 'KiB',
  better: 'lower',
  ours: kibibytes.reduce((sum, one) => sum + one, 0),
  bound: 1024,
});
await owner.close();
rmSync(place, { recursive: true });
