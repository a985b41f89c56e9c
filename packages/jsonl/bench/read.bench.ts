/** Reading whole records: against decoding and parsing alone, and against what others read with. */
import {
  closeSync,
  createReadStream,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync as readBytesSync,
  rmSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import split2 from 'split2';
import { read, readSync } from '@orch/jsonl';
import { compare, perCpuSecond } from '../../../tooling/bench/compare.js';
import { writeRecords, type Size } from './read-records.js';

const directory = mkdtempSync(join(tmpdir(), 'jsonl-bench-'));
const unit = 'records/cpu-s';
const passes = 2;

/** Counts what was read and looks at each record, so that nothing can be left out. */
function createTally(expected: number) {
  let records = 0;
  return {
    see: (value: unknown) => {
      if (typeof value === 'object' && value !== null) records += 1;
    },
    check: () => {
      if (records !== expected) throw new Error(`${records} records instead of ${expected}`);
    },
  };
}

const handBuffer = Buffer.allocUnsafeSlow(512 * 1024);
/** The shortest loop: one reused buffer, no promise about damage, and nobody else is served meanwhile. */
function readByHand(path: string, see: (value: unknown) => void): void {
  const file = openSync(path, 'r');
  for (let kept = 0; ;) {
    const count = readBytesSync(file, handBuffer, kept, handBuffer.length - kept, null);
    if (count === 0) break;
    const view = handBuffer.subarray(0, kept + count);
    let start = 0;
    for (let end = view.indexOf(10); end !== -1; end = view.indexOf(10, start)) {
      see(JSON.parse(view.toString('utf8', start, end)));
      start = end + 1;
    }
    view.copyWithin(0, start);
    kept = view.length - start;
  }
  closeSync(file);
}

interface Target {
  readonly batches: number;
  readonly split2: number;
  readonly sync: number;
  readonly forAwait: number;
}

const targets: Record<Exclude<Size, '32 B'>, Target> = {
  '170 B': { batches: 0.95, split2: 1.4, sync: 0.75, forAwait: 0.65 },
  '1 KB': { batches: 0.85, split2: 1.7, sync: 0.75, forAwait: 0.65 },
  '19 KB': { batches: 0.75, split2: 2, sync: 0.6, forAwait: 0.55 },
};

for (const size of ['170 B', '1 KB', '19 KB'] as const) {
  const target = targets[size];
  const path = join(directory, 'records.jsonl');
  const count = writeRecords(path, size, 12e6);

  const measure = (work: (see: (value: unknown) => void) => unknown) => () =>
    perCpuSecond(count * passes, async () => {
      for (let pass = 0; pass < passes; pass += 1) {
        const tally = createTally(count);
        await work(tally.see);
        tally.check();
      }
    });

  // The limit: every slice is ready in memory, and is only decoded and parsed.
  const bytes = readFileSync(path);
  const slices: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(10, start);
    slices.push(bytes.subarray(start, end));
    start = end + 1;
  }
  const parseAlone = measure((see) => {
    for (const slice of slices) see(JSON.parse(slice.toString('utf8')));
  });

  const withSplit2 = measure(async (see) => {
    for await (const value of createReadStream(path).pipe(split2(JSON.parse))) see(value);
  });
  const limit = (ratio: number) => ({
    name: 'decode + JSON.parse',
    run: parseAlone,
    target: ratio,
  });
  const suite = 'jsonl';

  await compare({
    suite,
    case: `read in batches, ${size}`,
    unit,
    better: 'higher',
    ours: measure(async (see) => {
      for await (const batch of read(path).batches()) for (const value of batch) see(value);
    }),
    peers: [
      {
        name: 'split2',
        run: measure(
          (see) =>
            new Promise((resolve, reject) => {
              createReadStream(path)
                .pipe(split2(JSON.parse))
                .on('data', see)
                .on('end', resolve)
                .on('error', reject);
            }),
        ),
        target: target.split2,
      },
      {
        name: 'readline + JSON.parse',
        run: measure(async (see) => {
          const lines = createInterface({ input: createReadStream(path) });
          for await (const line of lines) see(JSON.parse(line));
        }),
      },
      { name: 'a loop by hand with one buffer', run: measure((see) => readByHand(path, see)) },
    ],
    limit: limit(target.batches),
  });

  await compare({
    suite,
    case: `read one by one, synchronously, ${size}`,
    unit,
    better: 'higher',
    ours: measure((see) => {
      for (const value of readSync(path)) see(value);
    }),
    limit: limit(target.sync),
  });

  await compare({
    suite,
    case: `read one by one with for await, ${size}`,
    unit,
    better: 'higher',
    ours: measure(async (see) => {
      for await (const value of read(path)) see(value);
    }),
    peers: [
      { name: 'split2, for await', run: withSplit2 },
      {
        name: 'fs readLines + JSON.parse',
        run: measure(async (see) => {
          const file = await open(path);
          for await (const line of file.readLines()) see(JSON.parse(line));
        }),
      },
    ],
    limit: limit(target.forAwait),
  });
}

rmSync(directory, { recursive: true });
