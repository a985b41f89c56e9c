import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { JsonlError, reasonOf } from '../errors.js';
import { nodeFileSystem } from '../file-system.js';
import type { Fault } from '../read/fault.js';
import { readRange } from '../read/from-end.js';
import { openForReading } from '../read/open-for-reading.js';
import { read } from '../read/reader.js';
import { openWriter, type JsonlWriter } from '../write/writer.js';
import { sessionOf, type TranscriptFiles } from './find-transcripts.js';
import type { SessionRecord } from './session-record.js';
import { asFields, asText } from './token-counts.js';
import { createDamageNotes } from './damage-notes.js';
import { createChainCheck, type BrokenLink } from './transcript-chain.js';
import { readTranscriptLine, type DerivedRecord } from './transcript-line.js';

/** Longest lists that a report names one by one; the numbers beside them are of all. */
const listedAtMost = 100;
/** Bytes of source after which what was derived is written, so that memory stays the same for any size. */
const groupBytes = 1024 * 1024;
/** As many records are written at once at most: lines may be as short as a digit. */
const groupRecords = 2000;
/** The note beside the transcript of a sub-agent is not read any further. */
const metaBytes = 64 * 1024;

/** What was found in one file of a transcript. */
export interface ImportedFile {
  readonly path: string;
  /** Id of the sub-agent; absent for the main thread. */
  readonly agent?: string;
  readonly bytes: number;
  /** Lines that are records of a transcript. */
  readonly lines: number;
  /** Lines with a place in the conversation (a `uuid`). */
  readonly linked: number;
  /** Damage, at most 100 of it. Whole lines beside it were imported. */
  readonly faults: readonly Fault[];
  readonly faultCount: number;
  /** Lines whose place does not hold, at most 100 of them. They were imported all the same. */
  readonly brokenLinks: readonly BrokenLink[];
  readonly brokenLinkCount: number;
}

/** What a session was made from. */
export interface ImportSource {
  /** The conversation's own id. */
  readonly session: string;
  readonly main: string;
  /** sha256 of the first line with a place in the conversation: equal for every later state of the same file. */
  readonly start: string;
  /** Lines with a place in the conversation, sub-agents included. */
  readonly linked: number;
  /** Bytes of all files together. */
  readonly bytes: number;
}

export interface WrittenImport {
  readonly source: ImportSource;
  readonly records: number;
  readonly files: readonly ImportedFile[];
}

export interface ImportOptions {
  /** Sees each line before it is written; see `redactValues`. */
  readonly redact?: (line: string) => string;
  /** Told from time to time how far the reading has come. */
  readonly onProgress?: (progress: { readonly bytes: number; readonly totalBytes: number }) => void;
}

/**
 * Writes a transcript of Claude Code as a session to a new file: the main thread, then each
 * sub-agent, every line with its original form in `raw`. The transcript is only read. When this
 * resolves, the file is on the disk.
 *
 * @throws JsonlError `ORCH_JSONL_TRANSCRIPT_INVALID` when no line of the main file is of a transcript;
 * as `read` and `openWriter` do
 */
export async function writeImport(
  files: TranscriptFiles,
  target: string,
  options: ImportOptions,
): Promise<WrittenImport> {
  const paths = [files.main, ...files.agents];
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  const session = (await sessionOf(files.main)) ?? basename(files.main, '.jsonl');
  const { redact, onProgress } = options;
  const writer = await openWriter<SessionRecord>(target, {
    create: 'new',
    durability: 'kernel',
    ...(redact === undefined ? {} : { redact }),
  });
  const output = createOutput(writer);
  try {
    output.put({ kind: 'import', data: { source: 'claude-code', session, file: files.main } });
    const imported: ImportedFile[] = [];
    let start: string | undefined;
    let done = 0;
    for (const [index, path] of paths.entries()) {
      const { file, first } = await importFile(path, session, index > 0, output, (bytes) =>
        onProgress?.({ bytes: done + bytes, totalBytes }),
      );
      imported.push(file);
      done += sizes[index] ?? 0;
      start ??= first;
      if (index === 0 && file.lines === 0) throw noTranscript(path);
    }
    const linked = imported.reduce((sum, file) => sum + file.linked, 0);
    const source = { session, main: files.main, start: start ?? '', linked, bytes: totalBytes };
    output.put({ kind: 'import.done', data: { source, files: imported } });
    await output.write();
    await writer.flush();
    return { source, records: output.count(), files: imported };
  } finally {
    await writer.close();
  }
}

interface Output {
  put(record: DerivedRecord, raw?: unknown, at?: string): void;
  write(): Promise<void>;
  /** Whether so much waits that it should be written. */
  isDue(): boolean;
  count(): number;
}

function createOutput(writer: JsonlWriter<SessionRecord>): Output {
  let waiting: SessionRecord[] = [];
  let seq = 0;
  // Of lines that name no time: that of the line before, and of the first ones that of the import.
  let lastAt = new Date().toISOString();
  return {
    put({ kind, data }, raw, at = lastAt) {
      seq += 1;
      lastAt = at;
      waiting.push({ v: 1, seq, at, kind, data, ...(raw === undefined ? {} : { raw }) });
    },
    async write() {
      const records = waiting;
      waiting = [];
      try {
        await writer.appendMany(records);
      } catch (error) {
        if (JsonlError.isInstance(error)) throw error;
        for (const record of records) await writeAlone(writer, record);
      }
    },
    isDue: () => waiting.length >= groupRecords,
    count: () => seq,
  };
}

/** A record that cannot be written (nested too deeply, say) is replaced by a word about it. */
async function writeAlone(
  writer: JsonlWriter<SessionRecord>,
  record: SessionRecord,
): Promise<void> {
  try {
    await writer.append(record);
  } catch (error) {
    if (JsonlError.isInstance(error)) throw error;
    const { v, seq, at, kind } = record;
    const text = `A record of kind ${kind} could not be kept: ${reasonOf(error)}`;
    await writer.append({ v, seq, at, kind: 'notice', data: { level: 'warning', text } });
  }
}

async function importFile(
  path: string,
  session: string,
  isAgent: boolean,
  output: Output,
  onBytes: (bytes: number) => void,
): Promise<{ readonly file: ImportedFile; readonly first: string | undefined }> {
  const faults: Fault[] = [];
  let faultCount = 0;
  const notes = createDamageNotes(path, listedAtMost, (record) => output.put(record));
  const onCorrupt = (fault: Fault): void => {
    faultCount += 1;
    if (faults.length < listedAtMost) faults.push(fault);
    notes.see(fault);
  };
  const chain = createChainCheck(session, listedAtMost);
  const origin = isAgent ? await agentOrigin(path) : {};
  let lines = 0;
  /** The first line with a place in the conversation, else the first of all. */
  let first = undefined as { readonly linked: boolean; readonly value: unknown } | undefined;
  let written = 0;
  let bytes = 0;
  const take = (value: unknown, line: number): void => {
    const fields = asFields(value);
    // Every line of a transcript names its type. What does not is kept, and does not make a file one.
    if (typeof fields?.['type'] !== 'string') {
      const text = `${path}: line ${line} is no line of a transcript`;
      output.put({ kind: 'notice', data: { level: 'warning', text } }, value);
      return;
    }
    lines += 1;
    chain.see(fields, line);
    const linked = typeof fields['uuid'] === 'string';
    if (first === undefined || (linked && !first.linked)) first = { linked, value };
    const at = instant(fields['timestamp']);
    for (const [index, { kind, data }] of readTranscriptLine(fields).entries()) {
      output.put({ kind, data: { ...data, ...origin } }, index === 0 ? value : undefined, at);
    }
  };
  for await (const { value, line, byteEnd } of read(path, { onCorrupt }).entries()) {
    bytes = byteEnd;
    take(value, line);
    const isGroup = byteEnd - written >= groupBytes;
    if (!isGroup && !output.isDue()) continue;
    if (isGroup) {
      notes.putCounted();
      written = byteEnd;
    }
    await output.write();
    if (isGroup) onBytes(byteEnd);
  }
  notes.putCounted();
  await output.write();
  onBytes(bytes);
  const broken = chain.finish();
  const file: ImportedFile = {
    path,
    ...(origin.agent === undefined ? {} : { agent: origin.agent }),
    bytes,
    lines,
    linked: chain.linked,
    faults,
    faultCount,
    brokenLinks: broken.links,
    brokenLinkCount: broken.count,
  };
  return { file, first: first && fingerprint(first.value) };
}

/** What tells a line from the first line of another conversation. */
function fingerprint(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch {
    // Nested too deeply to be written; its name is as good.
    text = asText(asFields(value)?.['uuid']) ?? '';
  }
  return createHash('sha256').update(text).digest('hex');
}

/** Which sub-agent a file is of, and the tool call that started it, where Claude Code has noted it. */
async function agentOrigin(
  path: string,
): Promise<{ readonly agent?: string; readonly parent?: string }> {
  const agent = basename(path, '.jsonl').replace(/^agent-/, '');
  try {
    const meta = await readStart(path.replace(/\.jsonl$/, '.meta.json'), metaBytes);
    const parent = asText(asFields(JSON.parse(meta))?.['toolUseId']);
    return { agent, ...(parent === undefined ? {} : { parent }) };
  } catch {
    return { agent };
  }
}

/** The beginning of a small file. What lies there may be huge, or a pipe that nobody writes to. */
async function readStart(path: string, bytes: number): Promise<string> {
  const file = await openForReading(nodeFileSystem, path);
  try {
    return (await readRange(nodeFileSystem, file, path, 0, bytes)).toString('utf8');
  } finally {
    await nodeFileSystem.close(file);
  }
}

function instant(timestamp: unknown): string | undefined {
  const at = asText(timestamp);
  if (at === undefined) return undefined;
  const milliseconds = Date.parse(at);
  return Number.isNaN(milliseconds) ? undefined : new Date(milliseconds).toISOString();
}

function noTranscript(path: string): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_TRANSCRIPT_INVALID',
    `Cannot import ${path}: no line of it is a line of a Claude Code transcript (JSON with a "type")`,
    { path },
  );
}
