import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chainStart, openWriter, readAll, verifyChain, type Fault } from '../../src/index.js';
import { bytesFileSystem } from '../bytes-file-system.js';

/** A file of 200 chained records, as a journal has them, and where its lines are. */
export interface Original {
  readonly bytes: Buffer;
  readonly head: string;
  readonly records: readonly string[];
  /** `[start, end)` of each line; `end` is its newline. */
  readonly lines: readonly { readonly start: number; readonly end: number }[];
}

export async function makeOriginal(): Promise<Original> {
  const directory = mkdtempSync(join(tmpdir(), 'jsonl-damage-'));
  const path = join(directory, 'a.jsonl');
  const writer = await openWriter(path, { chain: { previous: chainStart }, durability: 'kernel' });
  for (let seq = 0; seq < 200; seq += 4) {
    await writer.appendMany(
      [0, 1, 2, 3].map((more) => ({
        v: 1,
        seq: seq + more,
        type: more % 2 === 0 ? 'task.ended' : 'attempt.started',
        data: { text: `käse "${'x'.repeat((seq + more) % 17)}" {n}\n`, list: [seq, { a: null }] },
      })),
    );
  }
  await writer.close();
  const bytes = readFileSync(path);
  rmSync(directory, { recursive: true });
  const lines: { start: number; end: number }[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(10, start);
    lines.push({ start, end });
    start = end + 1;
  }
  const records = lines.map(({ start, end }) => bytes.toString('utf8', start, end));
  return { bytes, head: writer.head ?? '', records, lines };
}

export interface Found {
  /** Each record as JSON text. */
  readonly records: readonly string[];
  readonly faults: readonly Fault[];
}

export async function readDamaged(bytes: Buffer, chunk = Infinity): Promise<Found> {
  const { records, faults } = await readAll('memory', {
    fileSystem: bytesFileSystem(bytes, chunk),
  });
  return { records: records.map((record) => JSON.stringify(record)), faults };
}

/** Whether the chain shows that these are not the original's bytes. */
export async function chainShows(bytes: Buffer, original: Original): Promise<boolean> {
  const fileSystem = bytesFileSystem(bytes);
  const check = await verifyChain('memory', { previous: chainStart, fileSystem });
  return check.broken !== undefined || check.unsealed !== undefined || check.head !== original.head;
}

/** What is wrong with what was read of a file cut at a byte; `undefined` when nothing is. */
export async function checkCut(original: Original, cut: number): Promise<string | undefined> {
  const { records, faults } = await readDamaged(original.bytes.subarray(0, cut));
  const whole = original.lines.filter(({ end }) => end <= cut).length;
  const expected = original.records.slice(0, whole);
  if (records.join('\n') !== expected.join('\n')) return `${records.length} records`;
  const last = original.lines[whole];
  const isTorn = last !== undefined && last.start < cut && cut < last.end;
  const [fault, ...others] = faults;
  if (!isTorn) return faults.length === 0 ? undefined : 'a fault in a whole file';
  const isRight =
    fault?.kind === 'torn_tail' && fault.byteStart === last.start && fault.byteEnd === cut;
  return isRight && others.length === 0 ? undefined : JSON.stringify(faults);
}

/**
 * What is wrong with what was read after one byte was changed: every record but those that the byte
 * touches must be there, unaltered and in order; damage must be reported where it is; and the chain
 * must show the change, also where valid JSON is left.
 */
export async function checkFlip(
  original: Original,
  position: number,
  value: number,
): Promise<string | undefined> {
  const bytes = Buffer.from(original.bytes);
  bytes[position] = value;
  const { records, faults } = await readDamaged(bytes);
  const touched = original.lines.findIndex(({ end }) => position <= end);
  const line = original.lines[touched];
  if (line === undefined) return 'no such line';
  const before = original.records.slice(0, touched);
  const after = original.records.slice(touched + 1);
  // A changed newline belongs to the record before it, which may be had nevertheless.
  if (records.slice(0, touched).join('\n') !== before.join('\n')) return 'records before';
  const rest = after.length === 0 ? [] : records.slice(-after.length);
  if (rest.join('\n') !== after.join('\n')) return 'records after';
  const next = original.lines[touched + 1]?.end ?? bytes.length;
  const far = faults.find(({ byteStart, byteEnd }) => byteStart < line.start || byteEnd > next);
  if (far !== undefined) return `a fault elsewhere: ${JSON.stringify(far)}`;
  const inside = records.slice(touched, records.length - after.length);
  // A touched record that is gone must be reported.
  if (inside.length === 0 && faults.length === 0) return 'lost without a word';
  if (!(await chainShows(bytes, original))) return 'the chain holds';
  return undefined;
}

/** The same choice every time, spread over everything. */
export function sample(index: number, of: number): boolean {
  return createHash('sha256').update(String(index)).digest().readUInt32BE(0) % of === 0;
}
