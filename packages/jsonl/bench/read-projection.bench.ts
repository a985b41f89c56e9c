/** Reading a few fields, or a few records: against decoding and parsing everything. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { read, readSync } from '@orch/jsonl';
import { compare, perCpuSecond } from '../../../tooling/bench/compare.js';
import { writeRecords } from './read-records.js';

const directory = mkdtempSync(join(tmpdir(), 'jsonl-bench-'));

const handBuffer = Buffer.allocUnsafeSlow(1024 * 1024);
const objectStart = Buffer.from('{"');
/**
 * The least that whoever waits for the file has to do to know that a line is one record: to read it, and to find its end
 * and the objects in it.
 */
async function findObjectsByHand(path: string): Promise<number> {
  const file = await open(path);
  let lines = 0;
  let kept = 0;
  for (;;) {
    const room = handBuffer.length - kept;
    const { bytesRead } = await file.read(handBuffer, kept, room, null);
    if (bytesRead === 0) break;
    const view = handBuffer.subarray(0, kept + bytesRead);
    let start = 0;
    for (let end = view.indexOf(10, kept); end !== -1; end = view.indexOf(10, start)) {
      let object = view.indexOf(objectStart, start);
      while (object !== -1 && object < end) object = view.indexOf(objectStart, object + 2);
      lines += 1;
      start = end + 1;
    }
    view.copyWithin(0, start);
    kept = view.length - start;
  }
  await file.close();
  return lines;
}

for (const [size, target] of [
  ['1 KB', 5],
  ['19 KB', 10],
] as const) {
  const path = join(directory, 'records.jsonl');
  const count = writeRecords(path, size, 96e6);
  const bytes = readFileSync(path);
  const slices: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(10, start);
    slices.push(bytes.subarray(start, end));
    start = end + 1;
  }
  const summaries = Math.ceil(count / 50);
  const expect = (found: number, expected: number): void => {
    if (found !== expected) throw new Error(`${found} records instead of ${expected}`);
  };
  const parseAlone = (): Promise<number> =>
    perCpuSecond(count, () => {
      let found = 0;
      for (const slice of slices) {
        const value = JSON.parse(slice.toString('utf8')) as { uuid: string; timestamp: string };
        if (value.uuid.length + value.timestamp.length === 60) found += 1;
      }
      expect(found, count);
    });
  const limit = { name: 'decode + JSON.parse', run: parseAlone, target };
  const peers = [
    {
      name: 'reading and looking for lines and objects by hand',
      run: () => perCpuSecond(count, async () => expect(await findObjectsByHand(path), count)),
    },
  ];
  const unit = 'records/cpu-s';

  await compare({
    suite: 'jsonl',
    case: `one field of every record, near its start, ${size}`,
    unit,
    better: 'higher',
    ours: () =>
      perCpuSecond(count, async () => {
        let found = 0;
        for await (const batch of read<{ type: string }>(path, { fields: ['type'] }).batches()) {
          for (const { type } of batch) if (type.length > 3) found += 1;
        }
        expect(found, count);
      }),
    limit,
    peers,
  });
  await compare({
    suite: 'jsonl',
    case: `the same without waiting, readSync(), ${size}`,
    unit,
    better: 'higher',
    ours: () =>
      perCpuSecond(count, () => {
        let found = 0;
        for (const { type } of readSync<{ type: string }>(path, { fields: ['type'] })) {
          if (type.length > 3) found += 1;
        }
        expect(found, count);
      }),
    limit,
  });
  await compare({
    suite: 'jsonl',
    case: `two fields of every record, the last of each, ${size}`,
    unit,
    better: 'higher',
    ours: () =>
      perCpuSecond(count, async () => {
        let found = 0;
        const reader = read<{ uuid: string; timestamp: string }>(path, {
          fields: ['uuid', 'timestamp'],
        });
        for await (const batch of reader.batches()) {
          for (const { uuid, timestamp } of batch) {
            if (uuid.length + timestamp.length === 60) found += 1;
          }
        }
        expect(found, count);
      }),
    limit,
    peers,
  });
  await compare({
    suite: 'jsonl',
    case: `one record in 50, chosen by a field, ${size}`,
    unit,
    better: 'higher',
    ours: () =>
      perCpuSecond(count, async () => {
        let found = 0;
        const reader = read<{ type: string }>(path, { where: { type: 'summary' } });
        for await (const batch of reader.batches()) found += batch.length;
        expect(found, summaries);
      }),
    limit,
    peers,
  });
}

rmSync(directory, { recursive: true });
