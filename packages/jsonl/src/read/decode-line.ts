import { isUtf8 } from 'node:buffer';
import type { Fault } from './fault.js';
import { recoverLine } from './recover-line.js';

/** A record and where it stands. */
export interface Entry<T> {
  readonly value: T;
  /** First byte of the record, counted from the start of the file. */
  readonly byteStart: number;
  /** The byte after the record and its newline: reading may go on `from` here. */
  readonly byteEnd: number;
  /** Number of the line, from 1, counted from where reading began. */
  readonly line: number;
}

/** A line of a file: bytes `[start, end)` of a buffer, without the newline. */
export interface RawLine {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Offset of the line in its file. */
  readonly byteStart: number;
  readonly line: number;
  /** Whether a newline follows. Only the last line of a file may have none. */
  readonly terminated: boolean;
}

export type OnRecord = (value: unknown, byteStart: number, byteEnd: number, line: number) => void;
export type OnFault = (fault: Fault) => void;

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Gives the records of one line, and what is wrong with it. The common case is one parse. */
export function decodeLine(raw: RawLine, onRecord: OnRecord, onFault: OnFault): void {
  const { bytes, start, end, byteStart, line } = raw;
  if (start === end) return;
  const lineEnd = byteStart + (end - start) + (raw.terminated ? 1 : 0);
  const text = bytes.toString('utf8', start, end);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    decodeDamaged(raw, lineEnd, onRecord, onFault);
    return;
  }
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) {
    onFault({ kind: 'bad_utf8', byteStart, byteEnd: byteStart + (end - start), line });
    return;
  }
  onRecord(value, byteStart, lineEnd, line);
}

function decodeDamaged(raw: RawLine, lineEnd: number, onRecord: OnRecord, onFault: OnFault): void {
  const { line, terminated } = raw;
  let bytes = raw.bytes.subarray(raw.start, raw.end);
  let base = raw.byteStart;
  if (base === 0 && bytes.subarray(0, 3).equals(byteOrderMark)) {
    bytes = bytes.subarray(3);
    base = 3;
  }
  for (const piece of recoverLine(bytes, terminated)) {
    const byteStart = base + piece.start;
    const byteEnd = base + piece.end;
    if (piece.fault !== undefined) onFault({ kind: piece.fault, byteStart, byteEnd, line });
    else onRecord(piece.value, byteStart, piece.end === bytes.length ? lineEnd : byteEnd, line);
  }
}
