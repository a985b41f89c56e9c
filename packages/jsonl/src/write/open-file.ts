import { dirname } from 'node:path';
import { scanChain } from '../chain/scan-chain.js';
import { isFull, JsonlError, reasonOf, systemCode } from '../errors.js';
import type { FileSystem } from '../file-system.js';
import { findLastNewline, readRange } from '../read/from-end.js';
import { readBytes } from '../read/open-for-reading.js';
import { parseSlice } from '../read/recover-line.js';
import { defaultMaxLineBytes } from '../read/read-options.js';
import { openOrCreate } from './rotate.js';
import type { ChainTip } from './seal-group.js';
import { runSteps } from './steps.js';
import type { Target } from './target.js';
import type { WriterSettings } from './writer-options.js';

/** What a writer found when it opened its file. */
export interface Opened {
  /** Length of the file in bytes, after the newline given to an unfinished last line. */
  readonly bytes: number;
  /** Whether the file was created. */
  readonly created: boolean;
  /**
   * The last line had no newline, and was given one. `whole`: it is a record, and counts as one;
   * else it is the rest of a torn line, which readers report.
   */
  readonly torn?: { readonly byteStart: number; readonly byteEnd: number; readonly whole: boolean };
  /** Lines after the last seal of a chained file. The next group seals them together with its own. */
  readonly unsealed?: { readonly byteStart: number; readonly byteEnd: number };
}

export interface OpenedFile {
  readonly target: Target;
  readonly opened: Opened;
  readonly tip: ChainTip | undefined;
}

function openError(path: string, settings: WriterSettings, cause: unknown): JsonlError {
  const code = systemCode(cause);
  if (code === 'EEXIST' && settings.create !== 'new') {
    const message = `Cannot open ${path}: it is a symbolic link to a file that does not exist; remove the link, or create that file`;
    return new JsonlError('ORCH_JSONL_OPEN_FAILED', message, { path }, cause);
  }
  if (code === 'EEXIST') {
    return new JsonlError(
      'ORCH_JSONL_EXISTS',
      `Cannot create ${path}: it exists already, and create 'new' was asked for; choose another name or open it with create 'existing'`,
      { path },
      cause,
    );
  }
  if (code === 'ENOENT') {
    const missing =
      settings.create === 'existing' ? 'there is no such file' : 'its directory does not exist';
    const next =
      settings.create === 'existing' ? "use create 'open'" : 'create the directory first';
    const message = `Cannot open ${path}: ${missing}; ${next}`;
    return new JsonlError('ORCH_JSONL_NOT_FOUND', message, { path }, cause);
  }
  const message = `Cannot open ${path} for appending: ${reasonOf(cause)}`;
  return new JsonlError('ORCH_JSONL_OPEN_FAILED', message, { path }, cause);
}

async function preparing<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (JsonlError.isInstance(cause)) throw cause;
    const code = isFull(cause) ? 'ORCH_JSONL_DISK_FULL' : 'ORCH_JSONL_OPEN_FAILED';
    throw new JsonlError(code, `Cannot ${what} ${path}: ${reasonOf(cause)}`, { path }, cause);
  }
}

/**
 * A last line without newline is never cut off: it gets its newline, and stands alone on its line.
 * In a chain the rest of a torn record gets a space as well, so that it can never end like a sealed one.
 */
async function mendTail(
  { fileSystem, previous }: WriterSettings,
  file: number,
  path: string,
  bytes: number,
): Promise<{ torn: Opened['torn']; bytes: number }> {
  const byteStart = (await findLastNewline(fileSystem, file, path, 0, bytes)) + 1;
  if (byteStart === bytes) return { torn: undefined, bytes };
  let whole = false;
  if (bytes - byteStart <= defaultMaxLineBytes) {
    const line = await readRange(fileSystem, file, path, byteStart, bytes);
    const piece = parseSlice(line, 0, line.length);
    whole = piece !== undefined && piece.fault === undefined;
  }
  const end = Buffer.from(previous === undefined || whole ? '\n' : ' \n');
  for (let offset = 0; offset < end.length;) {
    const written = await fileSystem.write(file, end, offset, end.length);
    if (written < 1) throw new Error('the file system took no byte');
    offset += written;
  }
  return { torn: { byteStart, byteEnd: bytes, whole }, bytes: bytes + end.length };
}

async function findTip(
  fileSystem: FileSystem,
  file: number,
  path: string,
  previous: string,
): Promise<{ tip: ChainTip; unsealed: Opened['unsealed'] }> {
  let at = 0;
  const readOn = async (into: Uint8Array): Promise<number> => {
    const count = await readBytes(fileSystem, file, path, into, at);
    at += count;
    return count;
  };
  const { head, bytes, read, open, broken } = await scanChain(readOn, previous, Infinity);
  if (broken !== undefined) {
    throw new JsonlError(
      'ORCH_JSONL_CHAIN_BROKEN',
      `Cannot append to ${path}: its hash chain does not hold from byte ${broken.byteStart} to ${broken.byteEnd}; ` +
        'nothing was written; keep the file and start a new one',
      { path, ...broken },
    );
  }
  if (read === bytes) return { tip: { head, open: undefined }, unsealed: undefined };
  return { tip: { head, open }, unsealed: { byteStart: bytes, byteEnd: read } };
}

async function openNamed(
  path: string,
  settings: WriterSettings,
): Promise<{ file: number; created: boolean }> {
  const { fileSystem, create, mode } = settings;
  try {
    return await runSteps(openOrCreate(path, create, mode), fileSystem);
  } catch (cause) {
    throw openError(path, settings, cause);
  }
}

/**
 * Opens a file for appending and makes sure that what follows stands on its own line. The name of
 * the file, and what an earlier writer left unsynced, are made durable before anything builds on it.
 */
export async function openFile(path: string, settings: WriterSettings): Promise<OpenedFile> {
  const { fileSystem, access, durability, previous } = settings;
  if (access === 'locked') await fileSystem.loadLocks();
  const { file, created } = await openNamed(path, settings);
  try {
    // Also for a file that was there: whoever created it may have died before this point.
    await preparing(path, 'make durable the name of', () =>
      fileSystem.fsyncDirectory(dirname(path)),
    );
    const found = await preparing(path, 'measure', () => fileSystem.stat(file));
    const target: Target = {
      path,
      settings,
      file,
      identity: undefined,
      length: undefined,
      lineEnd: 0,
      unsynced: found > 0,
      rotations: 0,
    };
    if (access !== 'exclusive') {
      if (access === 'locked') {
        target.identity = await preparing(path, 'identify', () => fileSystem.identify(file));
      }
      return { target, opened: { bytes: found, created }, tip: undefined };
    }
    const { torn, bytes } = await preparing(path, 'finish the last line of', () =>
      mendTail(settings, file, path, found),
    );
    target.length = bytes;
    if (bytes > 0 && (durability === 'batch' || durability === 'sync')) {
      await preparing(path, 'sync', () => fileSystem.fdatasync(file));
      target.unsynced = false;
    }
    const chain =
      previous === undefined ? undefined : await findTip(fileSystem, file, path, previous);
    const opened: Opened = {
      bytes,
      created,
      ...(torn === undefined ? {} : { torn }),
      ...(chain?.unsealed === undefined ? {} : { unsealed: chain.unsealed }),
    };
    return { target, opened, tip: chain?.tip };
  } catch (error) {
    await fileSystem.close(file).catch(() => undefined);
    throw error;
  }
}
