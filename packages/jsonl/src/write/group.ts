import type { JsonlError } from '../errors.js';
import { sealBytes } from '../chain/seal.js';
import { longLine } from './encode-record.js';
import { makeWellFormed } from './well-formed.js';

/** A call that waits for its group. */
export interface Waiter {
  /** Bytes of its lines with their newlines. */
  readonly bytes: number;
  readonly resolve: (result: { readonly bytes: number }) => void;
  readonly reject: (error: JsonlError) => void;
}

/**
 * Lines that are committed together, already as the bytes that will be written. Lines begin at
 * offset 1: before them stands a newline, which is written too where a torn line may precede it.
 */
export interface Group {
  bytes: Buffer;
  /** `bytes` from the first line on, as to write at an offset takes longer than to write at the start. */
  lines: Buffer;
  /** Offset after the last line. */
  end: number;
  readonly waiters: Waiter[];
  /** Whether a waiter asks for a sync even if the writer's durability does not. */
  sync: boolean;
}

export const firstLine = 1;
const newline = 10;
const smallestBytes = 4096;
/**
 * Lines shorter than this are put together before they are encoded, as before Node 22 a call for each costs
 * more. Few of them: one character beyond U+00FF makes the whole text take longer.
 */
const shortLine = Number.parseInt(process.versions.node, 10) < 22 ? 400 : 0;
const together = 2048;
/** A line of fewer characters fits into every group: none takes more than three bytes. */
const fitting = Math.floor((smallestBytes - firstLine - 1 - sealBytes) / 3);

/** Begins a group in `bytes`, which a former group no longer needs. */
export function startGroup(bytes: Buffer = Buffer.allocUnsafeSlow(smallestBytes)): Group {
  bytes[0] = newline;
  const lines = bytes.subarray(firstLine);
  return { bytes, lines, end: firstLine, waiters: [], sync: false };
}

/** Makes room for `more` bytes, a newline and a seal. */
function reserve(group: Group, more: number): void {
  const needed = group.end + more + 1 + sealBytes;
  if (needed <= group.bytes.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, group.bytes.length * 2));
  group.bytes.copy(larger, 0, 0, group.end);
  group.bytes = larger;
  group.lines = larger.subarray(firstLine);
}

/** Adds lines, as `encodeRecord` gives them. */
function addText(group: Group, lines: string): void {
  const text = lines.length < longLine ? makeWellFormed(lines) : lines;
  // No character takes more than three bytes; for a long text the exact number is worth its count.
  const most = text.length * 3;
  reserve(group, most <= 1 << 16 ? most : Buffer.byteLength(text));
  group.end += group.bytes.write(text, group.end);
}

/** Adds one line, given without its newline. */
export function addLine(group: Group, line: string): void {
  addText(group, line);
  group.bytes[group.end] = newline;
  group.end += 1;
}

/** Puts one line, given without its newline, in the place of all lines of a group. */
export function putLine(group: Group, line: string): void {
  if (line.length < fitting) {
    const end = firstLine + group.lines.write(makeWellFormed(line));
    group.bytes[end] = newline;
    group.end = end + 1;
  } else {
    group.end = firstLine;
    addLine(group, line);
  }
}

/** Adds a line for each value, or, if one cannot be a line, none. */
export function addLines<T>(
  group: Group,
  values: readonly T[],
  encode: (value: T) => string,
): void {
  const { end } = group;
  try {
    let text = '';
    for (const value of values) {
      const line = encode(value);
      if (line.length < shortLine) {
        text += line + '\n';
        if (text.length < together) continue;
      }
      if (text !== '') addText(group, text);
      text = '';
      if (line.length >= shortLine) addLine(group, line);
    }
    if (text !== '') addText(group, text);
  } catch (error) {
    group.end = end;
    throw error;
  }
}

/** Moves what was added since `end` into another group. */
export function moveLines(from: Group, end: number, to: Group): void {
  reserve(to, from.end - end);
  to.end += from.bytes.copy(to.bytes, to.end, end, from.end);
  from.end = end;
}
