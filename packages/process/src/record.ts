import { closeSync, mkdirSync, openSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { EndReason } from './owned-process.js';
import { isAlive, type ProcessIdentity } from './identity.js';
import type { Belongings } from './leader.js';
import { signalOfCode } from './level.js';
import { ProcessError } from './process-error.js';
import { tellsWantOfRoom, withRoom } from './spawn-room.js';

/** Where a process keeps its output and its end, so that they outlive its owner. */
export interface RecordOptions {
  /** Absolute path of a directory that does not exist yet, in one that does. Made for this user alone. */
  readonly directory: string;
  /** A larger file of stdout or stderr ends the process with reason `output_limit`. Default 1 GiB. */
  readonly maxFileBytes?: number;
  /**
   * Ends the process when its owner, although alive, has not turned its event loop for this long (it was
   * stopped, or hangs). At least 200. Default: no lease; only the owner's death ends the process.
   */
  readonly leaseMs?: number;
}

/** How a process ended by its own, or by its owner's will. */
export interface RecordedEnd {
  readonly reason: EndReason;
  readonly code: number | null;
  readonly signal: string | null;
}

/** What a record says. */
export type ProcessRecord =
  /** The end is durable, and so is all that the program had written until then. */
  | ({
      readonly state: 'ended';
      /** From the start to the record of the end, on the wall clock. */
      readonly durationMs: number;
      /** Paths of the files that hold all of the output. */
      readonly stdout: string;
      readonly stderr: string;
    } & RecordedEnd)
  /** It still runs. After the death of its owner: until `endLeftovers`. */
  | { readonly state: 'running'; readonly identity: ProcessIdentity }
  /** It ended with its owner, or before anybody could say how. */
  | { readonly state: 'lost' };

const files = {
  stdout: 'stdout',
  stderr: 'stderr',
  /** Written by the owner once it runs. */
  process: 'process.json',
  /** Written by the owner before it ends it: why. */
  stop: 'stop.json',
  /** Written by the shim, or by the owner in its place. */
  exit: 'exit.json',
} as const;

export const outputFile = (directory: string, name: 'stdout' | 'stderr'): string =>
  join(directory, files[name]);

function recordError(directory: string, what: string, advice: string, cause: unknown) {
  const reason = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new ProcessError('ORCH_PROCESS_RECORD', `${what} ${directory}${reason}: ${advice}.`, {
    details: { directory },
    cause,
  });
}

/** The output of a process with a record, open for reading: its program may remove the files. */
export interface OutputFiles {
  readonly stdout: number;
  readonly stderr: number;
}

/** A record as a belonging of the process that is to be started. `output` throws until it is made. */
export function belongingRecord(
  directory: string,
): Belongings & { readonly output: () => OutputFiles } {
  const state: { output?: OutputFiles } = {};
  return {
    make() {
      state.output = createRecord(directory);
    },
    drop() {
      const { output } = state;
      delete state.output;
      if (output === undefined) return;
      closeSync(output.stdout);
      closeSync(output.stderr);
      removeRecord(directory);
    },
    output() {
      if (state.output === undefined) throw new Error(`There is no record in ${directory} yet.`);
      return state.output;
    },
  };
}

/**
 * Makes the directory of a record, and the files of the output in it; all of it, or nothing. Throws
 * `ORCH_PROCESS_RECORD`, or the system's error where there is no room for another file now.
 */
function createRecord(directory: string): OutputFiles {
  const made: number[] = [];
  const make = (name: 'stdout' | 'stderr'): number => {
    const file = openSync(outputFile(directory, name), 'ax+', 0o600);
    made.push(file);
    return file;
  };
  let isMade = false;
  try {
    mkdirSync(directory, { mode: 0o700 });
    isMade = true;
    return { stdout: make('stdout'), stderr: make('stderr') };
  } catch (cause) {
    for (const file of made) closeSync(file);
    if (isMade) removeRecord(directory);
    if (tellsWantOfRoom(cause)) throw cause;
    throw recordError(
      directory,
      'Nothing was started, because there can be no record in',
      'each process needs a new directory in one that exists and can be written to',
      cause,
    );
  }
}

/** File by file: to list a directory takes a file, and there may be none. */
function removeRecord(directory: string): void {
  try {
    for (const file of Object.values(files)) rmSync(join(directory, file), { force: true });
    rmdirSync(directory);
  } catch {
    // Somebody else has put something into it, or has removed it.
  }
}

async function makeDurable(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

const textOf = (value: object): string => `${JSON.stringify({ v: 1, ...value })}\n`;

/** Writes a file of a record: wholly and durably, or not at all. */
async function write(directory: string, name: string, value: object): Promise<void> {
  const path = join(directory, name);
  const file = await open(`${path}.part`, 'w', 0o600);
  try {
    await file.writeFile(textOf(value));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
  await makeDurable(directory);
}

interface ProcessFile {
  readonly identity: ProcessIdentity;
  readonly startedAtMs: number;
}

/**
 * Counts only as long as the machine runs, so it need not be durable. Written at once, or when there is room again.
 * Rejects with the system's error.
 */
export function recordStart(directory: string, identity: ProcessIdentity): Promise<void> {
  const value: ProcessFile = { identity, startedAtMs: Date.now() };
  const path = join(directory, files.process);
  return withRoom(() => writeFileSync(path, textOf(value), { mode: 0o600 }));
}

/** Before a process is ended by its owner, so that its exit is not taken for its own. As durable as the start. */
export function recordStop(directory: string, reason: EndReason): Promise<void> {
  const path = join(directory, files.stop);
  return withRoom(() => writeFile(path, textOf({ reason }), { mode: 0o600 }));
}

/** Writes how it ended, unless its record already says so. Rejects with the system's error. */
export function recordEnd(directory: string, { reason, code, signal }: RecordedEnd): Promise<void> {
  return withRoom(async () => {
    const now = await readEnd(directory);
    if (now?.reason === reason && now.code === code && now.signal === signal) return;
    await write(directory, files.exit, { reason, code, signal });
  });
}

/** The value in a file; undefined if there is none, or one that was torn when the machine stopped. */
async function read(directory: string, name: string): Promise<Record<string, unknown> | undefined> {
  let text: string;
  try {
    text = await readFile(join(directory, name), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  if (!text.endsWith('}\n')) return undefined;
  const value = JSON.parse(text) as Record<string, unknown>;
  if (value['v'] === 1) return value;
  throw new Error(`${name} is of version ${String(value['v'])}; expected 1.`);
}

/** The end that stands in a record, if it is one. */
async function readEnd(directory: string): Promise<RecordedEnd | undefined> {
  const exit = await read(directory, files.exit);
  if (exit === undefined) return undefined;
  const code = exit['code'] as number | null;
  if (exit['reason'] !== undefined) {
    return {
      reason: exit['reason'] as EndReason,
      code,
      signal: exit['signal'] as string | null,
    };
  }
  const stop = await read(directory, files.stop);
  if (stop === undefined) {
    // Whoever asked it to end, not the owner did: nobody can say what its end is worth.
    return exit['asked'] === true ? undefined : { reason: 'exited', code, signal: null };
  }
  const signal = signalOfCode(code);
  return {
    reason: stop['reason'] as EndReason,
    code: signal === undefined ? code : null,
    signal: signal ?? null,
  };
}

/**
 * What the record in `directory` says; for the next owner, after `endLeftovers`. An end that it reports is
 * durable. Rejects with `ORCH_PROCESS_RECORD` when it cannot be read, `ORCH_PROCESS_SPEC` for a relative path.
 */
export async function readRecord(directory: string): Promise<ProcessRecord> {
  if (!isAbsolute(directory)) {
    throw new ProcessError(
      'ORCH_PROCESS_SPEC',
      `The directory of a record must be an absolute path, received ${JSON.stringify(directory)}.`,
      { details: { what: 'directory' } },
    );
  }
  try {
    return await withRoom(() => readAll(directory));
  } catch (cause) {
    throw recordError(directory, 'There is no record to be read in', 'see the cause', cause);
  }
}

async function readAll(directory: string): Promise<ProcessRecord> {
  const started = (await read(directory, files.process)) as ProcessFile | undefined;
  const end = await readEnd(directory);
  if (end !== undefined) {
    const path = join(directory, files.exit);
    // The shim may have been killed between writing it and making it durable.
    await makeDurable(path);
    await makeDurable(directory);
    const startedAtMs = started?.startedAtMs ?? (await stat(directory)).birthtimeMs;
    return {
      state: 'ended',
      ...end,
      durationMs: Math.max(0, Math.round((await stat(path)).mtimeMs - startedAtMs)),
      stdout: outputFile(directory, 'stdout'),
      stderr: outputFile(directory, 'stderr'),
    };
  }
  if (started !== undefined && isAlive(started.identity))
    return { state: 'running', identity: started.identity };
  return { state: 'lost' };
}
