// Writing without waiting for the disk, in one process: CPU time, and what is left of the speed of
// JSON.stringify alone, which no writer of JSON can pass. Writers live for all rounds, each with a
// file of its own; every round looks whether all its bytes have arrived. Then the file is emptied: what
// stayed dirty would be written back during the rounds of others, at their cost.
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWriter } from '@orch/jsonl';
import { pino } from 'pino';
import sonicBoom from 'sonic-boom';
import { compare, perCpuSecond } from '../../../tooling/bench/compare.js';
import { appenderByHand } from './append-by-hand.js';
import { makeRecords, sizes, type Message, type Size } from './records.js';

const { SonicBoom } = sonicBoom;
const directory = fs.mkdtempSync(join(tmpdir(), 'jsonl-bench-'));
const unit = 'records/cpu-s';
let files = 0;
const nextFile = (): string => join(directory, `${(files += 1)}.jsonl`);
const sizeOf = (path: string): number => (fs.existsSync(path) ? fs.statSync(path).size : 0);

/** The work as a round: `bytes` more must be in the file afterwards. */
function rounds(
  path: string,
  count: number,
  bytes: number,
  work: () => void | Promise<void>,
): () => Promise<number> {
  return async () => {
    const before = sizeOf(path);
    globalThis.gc?.();
    const value = await perCpuSecond(count, work);
    const grown = sizeOf(path) - before;
    if (grown !== bytes) throw new Error(`${path} grew by ${grown} bytes, expected ${bytes}`);
    if (grown > 0) fs.truncateSync(path);
    return value;
  };
}

/** The shortest loop: one reused buffer, a write for about 256 KiB. */
function writeByHand(file: number, records: readonly Message[]): void {
  let end = 0;
  for (const record of records) {
    const line = JSON.stringify(record);
    if (end + line.length * 3 >= handBuffer.length) {
      fs.writeSync(file, handBuffer, 0, end);
      end = 0;
    }
    end += handBuffer.write(line, end);
    handBuffer[end] = 10;
    end += 1;
  }
  fs.writeSync(file, handBuffer, 0, end);
}
/** The same for about 256 KiB of records with short lines put together, which is quicker before Node 22. */
function writeJoinedByHand(file: number, records: readonly Message[]): void {
  let end = 0;
  let lines = '';
  for (const record of records) {
    lines += JSON.stringify(record) + '\n';
    if (lines.length < 2048) continue;
    end += handBuffer.write(lines, end);
    lines = '';
  }
  end += handBuffer.write(lines, end);
  fs.writeSync(file, handBuffer, 0, end);
}
const handBuffer = Buffer.allocUnsafeSlow(256 * 1024 + 3 * sizes['19 KB']);

const counts: Record<Size, number> = { '170 B': 40_000, '1 KB': 8_000, '19 KB': 600 };
/** About 256 KiB a call. */
const together: Record<Size, number> = { '170 B': 1542, '1 KB': 256, '19 KB': 14 };
const targets: Record<Size, number> = { '170 B': 0.85, '1 KB': 0.7, '19 KB': 0.7 };

for (const size of ['170 B', '1 KB', '19 KB'] as const) {
  const records = makeRecords(size, counts[size]);
  const byteCount = (some: readonly Message[]): number =>
    some.reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)) + 1, 0);
  const bytes = byteCount(records);
  const mean = bytes / records.length;
  if (Math.abs(mean / sizes[size] - 1) > 0.01) throw new Error(`${size}: ${mean} bytes a record`);
  const batches: Message[][] = [];
  for (let at = 0; at < records.length; at += together[size]) {
    batches.push(records.slice(at, at + together[size]));
  }
  const base = { suite: 'jsonl', unit, better: 'higher' } as const;
  const path = nextFile();
  const writer = await openWriter<Message>(path, { durability: 'kernel' });

  const sonicPath = nextFile();
  const sonic = new SonicBoom({ dest: sonicPath, sync: true, minLength: 0 });
  const sonicLaterPath = nextFile();
  const sonicLater = new SonicBoom({ dest: sonicLaterPath, sync: true, minLength: 4096 });
  const pinoPath = nextFile();
  const pinoSonic = new SonicBoom({ dest: pinoPath, sync: true, minLength: 0 });
  const logger = pino({ base: null, timestamp: false }, pinoSonic);
  const pinoLine = '{"level":30,'.length - '{'.length;
  const streamPath = nextFile();
  const stream = fs.createWriteStream(streamPath, { flags: 'a' });
  const handPath = nextFile();
  const hand = fs.openSync(handPath, 'a');
  const appendByHand = appenderByHand(hand, false);
  const peerTarget = size === '170 B' ? { target: 2 } : {};

  await compare({
    ...base,
    case: `appendMany, ${together[size]} records of ${size} a call`,
    ours: rounds(path, records.length, bytes, async () => {
      for (const batch of batches) await writer.appendMany(batch);
    }),
    limit: {
      name: 'JSON.stringify alone',
      target: targets[size],
      run: rounds(nextFile(), records.length, 0, () => {
        let length = 0;
        for (const record of records) length += JSON.stringify(record).length;
        if (length === 0) throw new Error('nothing was stringified');
      }),
    },
    peers: [
      {
        name: 'sonic-boom sync',
        ...peerTarget,
        run: rounds(sonicPath, records.length, bytes, () => {
          for (const record of records) sonic.write(JSON.stringify(record) + '\n');
          sonic.flushSync();
        }),
      },
      {
        name: 'sonic-boom sync, minLength 4096',
        ...peerTarget,
        run: rounds(sonicLaterPath, records.length, bytes, () => {
          for (const record of records) sonicLater.write(JSON.stringify(record) + '\n');
          sonicLater.flushSync();
        }),
      },
      {
        name: 'pino',
        ...peerTarget,
        run: rounds(pinoPath, records.length, bytes + pinoLine * records.length, () => {
          for (const record of records) logger.info(record);
          pinoSonic.flushSync();
        }),
      },
      {
        name: 'a loop by hand with one buffer',
        run: rounds(handPath, records.length, bytes, () => writeByHand(hand, records)),
      },
      {
        name: 'that loop with short lines put together',
        run: rounds(handPath, records.length, bytes, () => {
          for (const batch of batches) writeJoinedByHand(hand, batch);
        }),
      },
      {
        name: 'WriteStream',
        run: rounds(streamPath, records.length, bytes, async () => {
          for (const record of records) {
            if (stream.write(JSON.stringify(record) + '\n')) continue;
            await new Promise<void>((resolve) => stream.once('drain', resolve));
          }
          await new Promise<void>((resolve) => stream.write('', () => resolve()));
        }),
      },
    ],
  });

  const barePath = nextFile();
  const bare = fs.openSync(barePath, 'a');
  const filePath = nextFile();
  await compare({
    ...base,
    case: `appendSync, ${size} a record`,
    ours: rounds(path, records.length, bytes, () => {
      for (const record of records) writer.appendSync(record);
    }),
    limit: {
      name: 'bare writeSync',
      target: 0.95,
      run: rounds(barePath, records.length, bytes, () => {
        for (const record of records) fs.writeSync(bare, JSON.stringify(record) + '\n');
      }),
    },
    peers: [
      {
        name: 'the same promises by hand',
        run: rounds(handPath, records.length, bytes, () => {
          for (const record of records) appendByHand(record);
        }),
      },
      {
        name: 'appendFileSync',
        run: rounds(filePath, records.length, bytes, () => {
          for (const record of records) fs.appendFileSync(filePath, JSON.stringify(record) + '\n');
        }),
      },
    ],
  });

  const few = records.slice(0, records.length / 8);
  const handlePath = nextFile();
  const handle = await fs.promises.open(handlePath, 'a');
  await compare({
    ...base,
    case: `append, a promise each, 64 at a time, ${size} a record`,
    ours: rounds(path, few.length, byteCount(few), async () => {
      for (let at = 0; at < few.length; at += 64) {
        await Promise.all(few.slice(at, at + 64).map((record) => writer.append(record)));
      }
    }),
    peers: [
      {
        name: 'FileHandle.appendFile, awaited',
        run: rounds(handlePath, few.length, byteCount(few), async () => {
          for (const record of few) await handle.appendFile(JSON.stringify(record) + '\n');
        }),
      },
    ],
  });
  await writer.close();
  await handle.close();
  fs.closeSync(bare);
  fs.closeSync(hand);
  for (const boom of [sonic, sonicLater, pinoSonic]) boom.destroy();
  stream.destroy();
}
fs.rmSync(directory, { recursive: true });
