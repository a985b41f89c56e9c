/**
 * What is wrong with a stretch of a file.
 *
 * - `torn_tail`: the last line has no newline and is not whole: its writer died, or is still writing.
 * - `glued`: the rest of a torn line stands before whole records on the same line, or whole records
 *   share a line. The whole records are delivered; the range is the rest (or, without one, the line).
 * - `nul_run`: zero bytes, as file systems leave after power loss. Records beside them are delivered.
 * - `not_json`: a line from which nothing could be recovered.
 * - `bad_utf8`: JSON whose text is not valid UTF-8. It is not delivered, as its value would be altered.
 * - `too_long`: a line longer than `maxLineBytes`. It was not held in memory.
 */
export type FaultKind = 'torn_tail' | 'glued' | 'nul_run' | 'not_json' | 'bad_utf8' | 'too_long';

/** Damage found while reading. The bytes stay in the file; this says where. */
export interface Fault {
  readonly kind: FaultKind;
  /** First damaged byte, counted from the start of the file. */
  readonly byteStart: number;
  /** The byte after the last damaged one; a newline is not included. */
  readonly byteEnd: number;
  /** Number of the line, from 1, counted from where reading began. */
  readonly line: number;
}
