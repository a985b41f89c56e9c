/** A file of 2 GB, a line of 64 MB, and the workload behind the original system's headline figure. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openIndex, readAll, readTail } from '@orch/jsonl';
import { bound, compare, perSecond } from '../../../tooling/bench/compare.js';
import { makeLines } from './read-records.js';

const suite = 'jsonl';
const directory = mkdtempSync(join(tmpdir(), 'jsonl-bench-'));
const path = join(directory, 'large.jsonl');
// The bench is bundled beside the package, whose name resolves from here.
const face = import.meta.resolve('@orch/jsonl');

/** Runs a program in a process of its own; gives the most memory it had, in MB. */
function peakMegabytes(program: string): number {
  const code = `const { read, openIndex } = await import(${JSON.stringify(face)});
    const path = ${JSON.stringify(path)};
    ${program}
    console.log(process.resourceUsage().maxRSS / 1024);`;
  return Number(
    execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }),
  );
}

try {
  const small = join(directory, 'original.jsonl');
  writeFileSync(small, makeLines('32 B', 1000));
  await compare({
    suite,
    case: 'the original workload: 1,000 records of 32 bytes, read from a file',
    unit: 'records/s',
    better: 'higher',
    rounds: 15,
    ours: () =>
      perSecond(10_000, async () => {
        for (let pass = 0; pass < 10; pass += 1) {
          const { records } = await readAll(small);
          if (records.length !== 1000) throw new Error(`${records.length} records`);
        }
      }),
    peers: [
      {
        name: 'readFileSync + split + JSON.parse',
        run: () =>
          perSecond(10_000, () => {
            for (let pass = 0; pass < 10; pass += 1) {
              const lines = readFileSync(small, 'utf8').trim().split('\n');
              const records = lines.map((line) => JSON.parse(line) as unknown);
              if (records.length !== 1000) throw new Error(`${records.length} records`);
            }
          }),
      },
    ],
  });

  const block = Buffer.from(makeLines('1 KB', 8000));
  const file = openSync(path, 'w');
  let bytes = 0;
  while (bytes < 2e9) bytes += writeSync(file, block);
  closeSync(file);

  const times: number[] = [];
  let fastest = 0;
  for (let round = 0; round < 3; round += 1) {
    const before = process.cpuUsage();
    const index = await openIndex(path);
    const { user, system } = process.cpuUsage(before);
    fastest = Math.max(fastest, bytes / ((user + system) * 1000));
    if (index.length < 1e6) throw new Error(`${index.length} lines`);
    await index.close();
  }
  const shared = { suite, better: 'lower' } as const;
  bound({
    ...shared,
    case: 'index of 2 GB',
    unit: 'GB/cpu-s',
    better: 'higher',
    ours: fastest,
    bound: 1,
  });
  for (let round = 0; round < 21; round += 1) {
    const startedAt = performance.now();
    const { records } = await readTail(path, 50);
    times.push(performance.now() - startedAt);
    if (records.length !== 50) throw new Error(`${records.length} records`);
  }
  const middle = times.sort((one, other) => one - other)[10] ?? Number.NaN;
  bound({ ...shared, case: 'last 50 records of 2 GB', unit: 'ms', ours: middle, bound: 5 });
  const indexing = 'const index = await openIndex(path); await index.get(1_000_000);';
  const memory = { ...shared, unit: 'MB', bound: 80 } as const;
  bound({ ...memory, case: 'peak memory of indexing 2 GB', ours: peakMegabytes(indexing) });
  const reading =
    'let count = 0; for await (const batch of read(path).batches()) count += batch.length; if (count < 1e6) throw new Error(String(count));';
  bound({
    ...memory,
    case: 'peak memory of reading 2 GB in batches',
    ours: peakMegabytes(reading),
  });
  rmSync(path);

  const line = 64 * 1024 * 1024;
  writeFileSync(path, `"${'x'.repeat(line - 2)}"\n1\n`);
  const startedAt = performance.now();
  const { records } = await readAll(path);
  if (records.length !== 2) throw new Error(`${records.length} records`);
  const seconds = (performance.now() - startedAt) / 1000;
  bound({ ...shared, case: 'a line of 64 MB', unit: 's', ours: seconds, bound: 2 });
} finally {
  rmSync(directory, { recursive: true, force: true });
}
