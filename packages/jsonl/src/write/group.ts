import type { JsonlError } from '../errors.js';
import { firstLine, LineBytes } from './line-bytes.js';

/** A call that waits for its group. */
export interface Waiter {
  /** Bytes of its lines with their newlines. */
  readonly bytes: number;
  readonly resolve: (result: { readonly bytes: number }) => void;
  readonly reject: (error: JsonlError) => void;
}

/** Lines that are committed together. */
export interface Group {
  lines: LineBytes;
  readonly waiters: Waiter[];
  /** Whether a waiter asks for a sync even if the writer's durability does not. */
  sync: boolean;
}

/** Begins a group, with the lines that it has or in a buffer that is used again. */
export function startGroup(lines: LineBytes = new LineBytes()): Group {
  return { lines, waiters: [], sync: false };
}

/** Adds what an encoder gave. */
export function addLines(group: Group, lines: LineBytes): void {
  if (group.lines.end === firstLine && !lines.isKept) group.lines = lines;
  else group.lines.add(lines.bytes, lines.end);
}
