import { isUtf8 } from 'node:buffer';
import type { FaultKind } from './fault.js';
import { closersMissing, findClose, findOpen } from './match-braces.js';
import { escapeRawControls } from './mend-text.js';

/** A part of a line: a record, or damage. Offsets are relative to the buffer given. */
export type Piece =
  | {
      readonly fault: undefined;
      readonly value: unknown;
      readonly start: number;
      readonly end: number;
      /** The JSON text: that of the file, unless it had to be mended. */
      readonly text: string;
    }
  | { readonly fault: FaultKind; readonly start: number; readonly end: number };

const openBrace = 0x7b;
/** More runs than this in one line is not a lost block but another encoding (UTF-16). */
const maxNulRuns = 64;
/** A line that seems to hold more records than this is no file that lost its newlines, but an attack on memory. */
const maxRecordsOnLine = 1_000_000;

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;
}

/** Parses one stretch; `undefined` when it is not JSON. */
export function parseSlice(bytes: Buffer, start: number, end: number): Piece | undefined {
  const text = bytes.toString('utf8', start, end);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  // Decoding puts U+FFFD where bytes are invalid, but U+FFFD may also be real text.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) {
    return { fault: 'bad_utf8', start, end };
  }
  return { fault: undefined, value, start, end, text };
}

/** A record whose strings hold raw control characters, read as its writer meant it. */
export function parseMended(bytes: Buffer, start: number, end: number): Piece[] | undefined {
  const mended = escapeRawControls(bytes.toString('utf8', start, end));
  if (mended === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(mended);
  } catch {
    return undefined;
  }
  if (mended.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) {
    return [{ fault: 'bad_utf8', start, end }];
  }
  return [
    { fault: 'control_character', start, end },
    { fault: undefined, value, start, end, text: mended },
  ];
}

/** The first keys of both objects are the same, as they are for records of one writer. */
function startAlike(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || left === null || typeof right !== 'object' || right === null) {
    return false;
  }
  const leftKeys = Object.keys(left);
  const rightKeys = Object.keys(right);
  const count = Math.min(3, leftKeys.length, rightKeys.length);
  return count > 0 && leftKeys.slice(0, count).every((key, index) => key === rightKeys[index]);
}

/**
 * A record torn right after an object nested in it ends with something that looks like a whole
 * record. Closing what is open tells: if the line then parses, the object was most likely nested,
 * unless it begins with the same keys as the record before it.
 */
function isNestedRest(bytes: Buffer, start: number, end: number, last: unknown): boolean {
  const closers = closersMissing(bytes, start, end);
  if (closers === undefined) return false;
  let completed: unknown;
  try {
    completed = JSON.parse(bytes.toString('utf8', start, end) + closers);
  } catch {
    return false;
  }
  return !startAlike(completed, last);
}

/** Whole records that end at `end`, one right after the other, in the order of the file. */
function takeSuffix(bytes: Buffer, start: number, end: number): Piece[] {
  const pieces: Piece[] = [];
  let edge = end;
  while (edge > start && pieces.length < maxRecordsOnLine) {
    const open = findOpen(bytes, start, edge);
    if (open === undefined || (open === start && edge === end)) break;
    const piece = parseSlice(bytes, open, edge);
    if (piece === undefined) break;
    pieces.push(piece);
    edge = open;
  }
  // Only the first in the line can be nested: objects inside a record never touch each other.
  const first = pieces.at(-1);
  if (first !== undefined && first.fault === undefined && first.start > start) {
    if (isNestedRest(bytes, start, first.end, first.value)) pieces.pop();
  }
  return pieces.reverse();
}

/** Whole records from `start`, each followed at once by another opening brace. */
function takePrefix(bytes: Buffer, start: number, end: number): Piece[] {
  const pieces: Piece[] = [];
  let edge = start;
  while (edge < end && bytes[edge] === openBrace && pieces.length < maxRecordsOnLine) {
    const close = findClose(bytes, edge, end);
    if (close === undefined || (close < end && bytes[close] !== openBrace)) break;
    const piece = parseSlice(bytes, edge, close);
    if (piece === undefined) break;
    pieces.push(piece);
    edge = close;
  }
  return pieces;
}

/** The records of `a?b`: two whole ones and one byte that was their newline before it was changed. */
function takeAroundOneByte(bytes: Buffer, start: number, end: number): Piece[] | undefined {
  if (bytes[start] !== openBrace) return undefined;
  const close = findClose(bytes, start, end);
  if (close === undefined || bytes[close + 1] !== openBrace) return undefined;
  const left = parseSlice(bytes, start, close);
  const right = parseSlice(bytes, close + 1, end);
  if (left === undefined || right === undefined) return undefined;
  if (isSpace(bytes[close])) return [{ fault: 'multi_record', start, end }, left, right];
  return [left, { fault: 'glued', start: close, end: close + 1 }, right];
}

function recoverSegment(bytes: Buffer, from: number, to: number, isTail: boolean): Piece[] {
  let start = from;
  let end = to;
  while (start < end && isSpace(bytes[start])) start += 1;
  while (end > start && isSpace(bytes[end - 1])) end -= 1;
  if (start === end) return [];
  const whole = parseSlice(bytes, start, end);
  if (whole !== undefined) return [whole];

  const prefix = takePrefix(bytes, start, end);
  const suffix = takeSuffix(bytes, prefix.at(-1)?.end ?? start, end);
  if ((prefix.at(-1)?.end ?? start) === (suffix[0]?.start ?? end)) {
    return [{ fault: 'multi_record', start: from, end: to }, ...prefix, ...suffix];
  }
  const around = takeAroundOneByte(bytes, start, end) ?? parseMended(bytes, start, end);
  if (around !== undefined) return around;
  const alone = suffix.length === 0;
  let kind: FaultKind = 'glued';
  if (alone && isTail) kind = 'torn_tail';
  else if (alone && prefix.length === 0) kind = 'not_json';
  const stub = { fault: kind, start: prefix.at(-1)?.end ?? from, end: suffix[0]?.start ?? to };
  return [...prefix, stub, ...suffix];
}

/** Stretches between runs of zero bytes, and the runs; `undefined` when there are too many. */
function splitAtNuls(bytes: Buffer): { start: number; end: number; nul: boolean }[] | undefined {
  const parts: { start: number; end: number; nul: boolean }[] = [];
  let position = 0;
  for (let runs = 0; ; runs += 1) {
    const nul = bytes.indexOf(0, position);
    if (nul === -1) break;
    if (runs === maxNulRuns) return undefined;
    let end = nul;
    while (end < bytes.length && bytes[end] === 0) end += 1;
    parts.push({ start: position, end: nul, nul: false }, { start: nul, end, nul: true });
    position = end;
  }
  parts.push({ start: position, end: bytes.length, nul: false });
  return parts;
}

/**
 * Takes a line that did not parse apart: zero bytes, remains of torn lines, and every whole record
 * that can be had. Time is linear in the length of the line. A blank line gives nothing.
 */
export function recoverLine(line: Buffer, terminated: boolean): Piece[] {
  const parts = splitAtNuls(line);
  if (parts === undefined) return [{ fault: 'not_json', start: 0, end: line.length }];
  return parts.flatMap(({ start, end, nul }): Piece[] =>
    nul
      ? [{ fault: 'nul_run', start, end }]
      : recoverSegment(line, start, end, !terminated && end === line.length),
  );
}
