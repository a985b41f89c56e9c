/**
 * What is wrong with a stretch of a file.
 *
 * Nothing is lost and nothing altered by these; their records are delivered:
 * - `byte_order_mark`: the three bytes that some editors put in front.
 * - `crlf`: lines that end in CR LF. One fault for each run of such lines.
 * - `multi_record`: whole records share a line.
 * - `pending_tail`: with `live`, a last line without newline: its writer may still be writing it.
 *
 * One record is delivered, and its text was mended to read it:
 * - `control_character`: characters below U+0020 stand raw in a string, which JSON forbids; a raw
 *   newline also divides the record into several lines.
 * - `multi_line`: a record is spread over several lines, as a pretty printer does.
 *
 * Bytes belong to no record; the whole records beside them are delivered:
 * - `torn_tail`: the last line has no newline and is not whole: its writer died, or is still writing.
 * - `glued`: the rest of a torn line stands before or after whole records on the same line.
 * - `nul_run`: zero bytes, as file systems leave after power loss.
 * - `not_json`: a line, or a part of one, from which nothing could be recovered.
 * - `bad_utf8`: JSON whose text is not valid UTF-8. It is not delivered, as its value would be altered.
 * - `too_long`: a line longer than `maxLineBytes`. It was not held in memory.
 * - `bad_compression`: compressed data that ends early or is damaged; nothing after it can be read.
 *   Offsets are those of the decompressed text.
 * - `invalid_schema`: a record that the given schema refuses; `issues` says why.
 */
export type FaultKind =
  | 'byte_order_mark'
  | 'crlf'
  | 'multi_record'
  | 'pending_tail'
  | 'control_character'
  | 'multi_line'
  | 'torn_tail'
  | 'glued'
  | 'nul_run'
  | 'not_json'
  | 'bad_utf8'
  | 'too_long'
  | 'bad_compression'
  | 'invalid_schema';

/** Damage found while reading. The bytes stay in the file; this says where. */
export interface Fault {
  readonly kind: FaultKind;
  /** First byte concerned, counted from the start of the file. */
  readonly byteStart: number;
  /** The byte after the last one concerned; a newline at the end is not included. */
  readonly byteEnd: number;
  /** Number of the (first) line, from 1, counted from where reading began; 0 when read backwards. */
  readonly line: number;
  /** With `invalid_schema`: what the schema said. */
  readonly issues?: readonly { readonly message: string }[];
}

const harmless: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'byte_order_mark',
  'crlf',
  'multi_record',
  'pending_tail',
]);

/** Whether every record beside this fault was read as it stands, so that nothing needs repair to be safe. */
export function isHarmless(kind: FaultKind): boolean {
  return harmless.has(kind);
}
