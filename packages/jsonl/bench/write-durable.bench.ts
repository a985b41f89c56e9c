// Writing to the disk: records a second on the clock, as the disk is what is waited for.
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openWriter, type JsonlWriter } from '@orch/jsonl';
import koffi from 'koffi';
import { compare, perSecond } from '../../../tooling/bench/compare.js';
import { makeRecords, type Message } from './records.js';

const directory = fs.mkdtempSync(join(tmpdir(), 'jsonl-bench-'));
const base = { suite: 'jsonl', unit: 'records/s', better: 'higher' } as const;
let files = 0;
const nextFile = (): string => join(directory, `${(files += 1)}.jsonl`);
const write = promisify(fs.write);
const fdatasync = promisify(fs.fdatasync);

const records = makeRecords('1 KB', 2048);
const some = (count: number): Message[] => records.slice(0, count);

/** What one appender can do at best: every record is written and synced before the next one. */
async function oneByOne(file: number, values: readonly Message[]): Promise<void> {
  for (const value of values) {
    const bytes = Buffer.from(JSON.stringify(value) + '\n');
    await write(file, bytes, 0, bytes.length, null);
    await fdatasync(file);
  }
}

// Short turns, many of them: what a sync takes changes within a second by more than what is looked for.
const turn = 20;
const turns = 101;

/** A turn with a file of its own: what a sync takes depends on where on the disk a file came to lie. */
async function ourTurn(
  work: (writer: JsonlWriter<Message>, records: readonly Message[]) => void | Promise<void>,
): Promise<number> {
  const path = nextFile();
  const writer = await openWriter<Message>(path);
  const value = await perSecond(turn, () => work(writer, some(turn)));
  await writer.close();
  fs.rmSync(path);
  return value;
}

async function bareTurn(
  work: (file: number, records: readonly Message[]) => void | Promise<void>,
): Promise<number> {
  const path = nextFile();
  const file = fs.openSync(path, 'a');
  const value = await perSecond(turn, () => work(file, some(turn)));
  fs.closeSync(file);
  fs.rmSync(path);
  return value;
}

await compare({
  ...base,
  rounds: turns,
  case: 'append, durable, one appender, 1 KB',
  ours: () =>
    ourTurn(async (writer, values) => {
      for (const record of values) await writer.append(record);
    }),
  limit: { name: 'write + fdatasync', target: 0.95, run: () => bareTurn(oneByOne) },
});

await compare({
  ...base,
  rounds: turns,
  case: 'appendSync, durable, 1 KB',
  ours: () =>
    ourTurn((writer, values) => {
      for (const record of values) writer.appendSync(record);
    }),
  limit: {
    name: 'writeSync + fdatasyncSync',
    target: 0.95,
    run: () =>
      bareTurn((file, values) => {
        for (const record of values) {
          fs.writeSync(file, JSON.stringify(record) + '\n');
          fs.fdatasyncSync(file);
        }
      }),
  },
});

const asyncFile = fs.openSync(nextFile(), 'a');
const writer = await openWriter<Message>(nextFile());

/** What many appenders can do together at best: their records in one write and one sync. */
async function allTogether(values: readonly Message[]): Promise<void> {
  const bytes = Buffer.from(values.map((value) => JSON.stringify(value) + '\n').join(''));
  await write(asyncFile, bytes, 0, bytes.length, null);
  await fdatasync(asyncFile);
}

for (const [waiters, target] of [
  [64, 20],
  [512, 80],
] as const) {
  const each = waiters === 64 ? 32 : 16;
  await compare({
    ...base,
    rounds: 15,
    case: `append, durable, ${waiters} appenders who wait for each record, 1 KB`,
    ours: () =>
      perSecond(waiters * each, () =>
        Promise.all(
          Array.from({ length: waiters }, async (_, start) => {
            for (let n = 0; n < each; n += 1) {
              const record = records[(start + n * waiters) % records.length];
              if (record !== undefined) await writer.append(record);
            }
          }),
        ),
      ),
    peers: [
      {
        name: 'write + fdatasync',
        target,
        run: () => perSecond(100, () => oneByOne(asyncFile, some(100))),
      },
      {
        name: 'JSON.stringify alone, nothing written',
        run: () =>
          perSecond(waiters * each, () => {
            let length = 0;
            for (let n = 0; n < each; n += 1) {
              for (const record of some(waiters)) length += JSON.stringify(record).length;
            }
            if (length === 0) throw new Error('nothing was stringified');
          }),
      },
    ],
    limit: {
      name: 'all in one write + fdatasync, by hand',
      run: () =>
        perSecond(waiters * each, async () => {
          for (let n = 0; n < each; n += 1) await allTogether(some(waiters));
        }),
    },
  });
}

// 1,000 records of 120 bytes, each durable: the workload behind a published figure of the original
// system, whose writer opens, locks, writes, syncs and unlocks for each record.
const flock = koffi.load(null).func('int flock(int file, int operation)') as (
  file: number,
  operation: number,
) => number;
const short = Array.from({ length: 1000 }, (_, n) => ({
  type: 'user',
  seq: n,
  content: 'x'.repeat(120 - 37 - String(n).length),
}));
const lockedPath = nextFile();
function lockWriteSync(record: unknown): void {
  const lock = fs.openSync(`${lockedPath}.lock`, 'w');
  flock(lock, 2);
  const file = fs.openSync(lockedPath, 'a');
  fs.writeSync(file, JSON.stringify(record) + '\n');
  fs.fsyncSync(file);
  fs.closeSync(file);
  fs.unlinkSync(`${lockedPath}.lock`);
  fs.closeSync(lock);
}
const shortWriter = await openWriter<object>(nextFile());
const peers = [
  {
    name: 'lock, open, write, fsync, unlock for each',
    run: () =>
      perSecond(250, () => {
        for (const record of short.slice(0, 250)) lockWriteSync(record);
      }),
  },
];
await compare({
  ...base,
  case: '1,000 records of 120 B, each durable, appended at once',
  ours: () => perSecond(1000, () => Promise.all(short.map((record) => shortWriter.append(record)))),
  peers,
});
await compare({
  ...base,
  case: '1,000 records of 120 B, each durable before the next (appendSync)',
  ours: () =>
    perSecond(250, () => {
      for (const record of short.slice(0, 250)) shortWriter.appendSync(record);
    }),
  peers,
});

await writer.close();
await shortWriter.close();
fs.closeSync(asyncFile);
fs.rmSync(directory, { recursive: true });
