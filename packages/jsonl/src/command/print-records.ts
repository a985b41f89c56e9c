import { nodeFileSystem } from '../file-system.js';
import { detectCompression, type Input } from '../read/byte-source.js';
import type { Fault } from '../read/fault.js';
import { followRecords } from '../read/follow.js';
import { entriesFromEnd, findLastNewline, readRange, type TextEntry } from '../read/from-end.js';
import { openForReading } from '../read/open-for-reading.js';
import type { Make } from '../read/pass.js';
import { createFileNamer, type FollowPlace } from '../read/place.js';
import { scanBatches } from '../read/reader.js';
import { checkWhere, matches } from '../read/select-lines.js';
import type { Command } from './arguments.js';
import { inputOf } from './input.js';
import { plural, type Output } from './output.js';

const makeTextEntry: Make<TextEntry> = (value, byteStart, byteEnd, line, text = '') => ({
  value,
  byteStart,
  byteEnd,
  line,
  text: text.trim(),
});

function format({ text, byteStart, byteEnd, line }: TextEntry, { json }: Command): string {
  if (!json) return `${text.trim()}\n`;
  const place = JSON.stringify({ byteStart, byteEnd, ...(line > 0 ? { line } : {}) });
  // Put together as text, so that the record keeps the digits it has in the file.
  return `${place.slice(0, -1)},"value":${text.trim()}}\n`;
}

function noteFaults(faults: number, command: Command, output: Output): void {
  if (faults === 0) return;
  output.note(`${plural(faults, 'fault')} on the way; see orch-jsonl verify ${command.file}`);
}

function scanText(command: Command, input: Input, onFault: (fault: Fault) => void) {
  const { where, maxLineBytes } = command;
  const limit = maxLineBytes === undefined ? {} : { maxLineBytes };
  return scanBatches(input, { where, ...limit }, makeTextEntry, onFault);
}

export async function printHead(command: Command, output: Output): Promise<void> {
  let left = command.count;
  let faults = 0;
  if (left === 0) return;
  const input = await inputOf(command.file);
  for await (const batch of scanText(command, input, () => (faults += 1))) {
    const part = batch.slice(0, left);
    await output.print(part.map((entry) => format(entry, command)).join(''));
    left -= part.length;
    if (left === 0) break;
  }
  noteFaults(faults, command, output);
}

/** The last records of something that can only be read from its start. */
async function tailOfStream(command: Command, input: Input, output: Output): Promise<void> {
  const { count } = command;
  let kept: TextEntry[] = [];
  let faults = 0;
  for await (const batch of scanText(command, input, () => (faults += 1))) {
    for (const entry of batch.slice(Math.max(0, batch.length - count))) kept.push(entry);
    // Cut only now and then, so that many small batches cost no more than one large.
    if (kept.length > 2 * count + 1000) kept = kept.slice(-count);
  }
  const last = kept.slice(Math.max(0, kept.length - count));
  await output.print(last.map((entry) => format(entry, command)).join(''));
  noteFaults(faults, command, output);
}

/**
 * The place after the last whole line. Nobody looked for the number of the file: it is followed in a
 * moment, when it will hardly have been rotated and compressed.
 */
async function placeOfEnd(file: number, path: string, bytes: number): Promise<FollowPlace> {
  const identity = await nodeFileSystem.identify(file);
  const held = { file, identity, number: Infinity, compressed: false };
  const namer = createFileNamer(nodeFileSystem, held, path);
  const end = (await findLastNewline(nodeFileSystem, file, path, 0, bytes)) + 1;
  await namer.readTo(end);
  return namer.at(end);
}

/** Prints the last records; gives the place after the last whole line. */
async function tailOfFile(command: Command, output: Output): Promise<FollowPlace | 'compressed'> {
  const { file: path, count, maxLineBytes, follow: live } = command;
  const where = checkWhere(command.where);
  const file = await openForReading(nodeFileSystem, path);
  try {
    const head = await readRange(nodeFileSystem, file, path, 0, 4);
    if (detectCompression(head) !== 'none') return 'compressed';
    const bytes = await nodeFileSystem.stat(file);
    let faults = 0;
    const found: TextEntry[] = [];
    const onFault = ({ kind }: Fault): void => void (faults += kind === 'pending_tail' ? 0 : 1);
    if (count > 0) {
      const options = { maxLineBytes, live, onFault };
      for await (const entry of entriesFromEnd(nodeFileSystem, file, path, bytes, options)) {
        if (where.length > 0 && !matches(entry.value, where)) continue;
        if (found.push(entry) === count) break;
      }
    }
    await output.print(
      found
        .reverse()
        .map((entry) => format(entry, command))
        .join(''),
    );
    noteFaults(faults, command, output);
    return await placeOfEnd(file, path, bytes);
  } finally {
    await nodeFileSystem.close(file);
  }
}

export async function printTail(
  command: Command,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const input = await inputOf(command.file);
  const resumeAt = typeof input === 'string' ? await tailOfFile(command, output) : 'stream';
  if (resumeAt === 'compressed' || resumeAt === 'stream') {
    await tailOfStream(command, input, output);
    return;
  }
  if (!command.follow) return;
  const where = checkWhere(command.where);
  const limit = command.maxLineBytes === undefined ? {} : { maxLineBytes: command.maxLineBytes };
  const onCorrupt = ({ kind, byteStart, byteEnd }: Fault): void =>
    output.note(`${kind} at bytes ${byteStart}-${byteEnd}`);
  const options = { signal, resumeAt, onTruncate: 'restart', onCorrupt, ...limit } as const;
  const lines = followRecords(command.file, options, ({ value, text = '' }) => ({ value, text }));
  for await (const { value, text } of lines) {
    if (where.length > 0 && !matches(value, where)) continue;
    await output.print(command.json ? `{"value":${text.trim()}}\n` : `${text.trim()}\n`);
  }
}
