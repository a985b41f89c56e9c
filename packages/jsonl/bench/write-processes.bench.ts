// Eight processes that append to one file, a record of 150 bytes a call: CPU time of all of them, from
// the moment when all have begun. Each has written two files of its own before, so that no code is new any
// more: what the engine made for a first file, it makes anew for the second.
import { fork } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWriter } from '@orch/jsonl';
import lockfile from 'proper-lockfile';
import { compare } from '../../../tooling/bench/compare.js';
import { appenderByHand } from './append-by-hand.js';

const processes = 8;
const record = { v: 1, seq: 1, kind: 'message', text: 'x'.repeat(104) };
const line = JSON.stringify(record) + '\n';

type Way = 'shared' | 'locked' | 'raw' | 'by hand' | 'proper-lockfile';
const counts: Record<Way, number> = {
  // With fewer, a good part of the time is the compiler's.
  shared: 100_000,
  locked: 20_000,
  raw: 100_000,
  'by hand': 100_000,
  'proper-lockfile': 20,
};

async function appendAll(way: Way, path: string, count: number): Promise<() => Promise<void>> {
  if (way === 'shared' || way === 'locked') {
    const writer = await openWriter<object>(path, { access: way, durability: 'kernel' });
    return async () => {
      for (let n = 0; n < count; n += 1) writer.appendSync(record);
      await writer.close();
    };
  }
  const file = fs.openSync(path, 'a');
  if (way === 'raw') {
    return () => {
      for (let n = 0; n < count; n += 1) fs.writeSync(file, JSON.stringify(record) + '\n');
      return Promise.resolve();
    };
  }
  if (way === 'by hand') {
    const append = appenderByHand(file, true);
    return () => {
      for (let n = 0; n < count; n += 1) append(record);
      return Promise.resolve();
    };
  }
  const retries = { forever: true, minTimeout: 1, maxTimeout: 20 };
  return async () => {
    for (let n = 0; n < count; n += 1) {
      const unlock = await lockfile.lock(path, { retries });
      fs.writeSync(file, JSON.stringify(record) + '\n');
      await unlock();
    }
  };
}

const [way, path] = process.argv.slice(2);
if (way !== undefined && path !== undefined) {
  const count = counts[way as Way];
  for (const name of ['first', 'second']) {
    const warmUp = `${path}.${process.pid}.${name}`;
    fs.writeFileSync(warmUp, '');
    const warm = await appendAll(way as Way, warmUp, count);
    await warm();
    fs.rmSync(warmUp);
  }
  const work = await appendAll(way as Way, path, count);
  process.once('message', () => {
    const before = process.cpuUsage();
    void work().then(() => {
      const { user, system } = process.cpuUsage(before);
      process.send?.(user + system, () => process.disconnect());
    });
  });
  process.send?.('ready');
} else {
  const directory = fs.mkdtempSync(join(tmpdir(), 'jsonl-bench-'));
  const round = (one: Way) => async (): Promise<number> => {
    const at = join(directory, 'out.jsonl');
    fs.rmSync(at, { force: true });
    fs.writeFileSync(at, '');
    const children = Array.from({ length: processes }, () =>
      fork(process.argv[1] ?? '', [one, at]),
    );
    await Promise.all(
      children.map((child) => new Promise((resolve) => child.once('message', resolve))),
    );
    const used = children.map(
      (child) => new Promise<number>((resolve) => child.once('message', resolve)),
    );
    for (const child of children) child.send('go');
    const microseconds = (await Promise.all(used)).reduce((sum, one) => sum + one, 0);
    const written = counts[one] * processes;
    const found = fs.readFileSync(at, 'utf8').split('\n');
    const whole = found.filter((text) => text + '\n' === line).length;
    if (whole !== written) throw new Error(`${one}: ${whole} of ${written} records are there`);
    return written / (microseconds / 1e6);
  };
  const base = { suite: 'jsonl', unit: 'records/cpu-s', better: 'higher' } as const;
  await compare({
    ...base,
    rounds: 11,
    case: `${processes} processes, one shared file, appendSync, ${line.length} B`,
    ours: round('shared'),
    limit: { name: 'raw O_APPEND', run: round('raw'), target: 0.9 },
    peers: [
      { name: 'the same promises by hand', run: round('by hand') },
      { name: 'proper-lockfile', run: round('proper-lockfile'), target: 50 },
    ],
  });
  await compare({
    ...base,
    rounds: 5,
    case: `${processes} processes, one locked file, appendSync, ${line.length} B`,
    ours: round('locked'),
    limit: { name: 'raw O_APPEND', run: round('raw') },
  });
  fs.rmSync(directory, { recursive: true });
}
