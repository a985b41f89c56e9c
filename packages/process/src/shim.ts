import { Socket } from 'node:net';
import { settlesWithin } from './alarm.js';
import { deferred } from './deferred.js';
import { createFileTail } from './file-tail.js';
import type { Exit, Leader, LeaderSpec } from './leader.js';
import type { EndReason } from './owned-process.js';
import {
  outputFile,
  type OutputFiles,
  readRecord,
  recordEnd,
  recordStart,
  recordStop,
  type RecordedEnd,
} from './record.js';
import { looksInLease, shimArgv } from './shim-program.js';
import { obstacle, throughShell } from './through-shell.js';

/** A record whose defaults are filled in. */
export interface CheckedRecord {
  readonly directory: string;
  readonly maxFileBytes: number;
  readonly leaseMs: number | undefined;
}

/** What is to be done for a process that keeps a record, besides what is done for all. */
export interface Recording {
  /** Resolves when a file of its output has become too large. */
  readonly tooLarge: Promise<void>;
  /** Nobody writes any more: output ends with what is there. */
  outputOver(): void;
  /** It is about to be ended, and why. Never rejects, and takes a second at most. */
  stopping(reason: EndReason): Promise<void>;
  /** It has ended. Resolves when its record says so. Rejects with the system's error. */
  ended(end: RecordedEnd): Promise<void>;
}

/** Neither a disk that hangs nor a shell that is stopped may keep a process from being ended. */
const patienceMs = 1000;

/** What to start in the place of `spec`, or why it cannot be started. Throws `ORCH_PROCESS_PLATFORM`. */
export function throughShim(
  spec: LeaderSpec,
  { directory, leaseMs }: Pick<CheckedRecord, 'directory' | 'leaseMs'>,
  among?: readonly string[],
): LeaderSpec | { readonly refused: string } {
  const refused = obstacle(spec);
  if (refused !== undefined) return { refused };
  const { argv, env } = throughShell(spec);
  return { ...spec, env, argv: shimArgv({ directory, leaseMs, argv, among }) };
}

/** The owner's side of a shim: it looks like the program itself. */
export function recordedLeader(shim: Leader, record: CheckedRecord, output: OutputFiles): Leader {
  const { directory, maxFileBytes, leaseMs } = record;
  const lifeline = shim.stdout;
  if (!(lifeline instanceof Socket)) throw new Error('The shim has no lifeline.');
  const severed = deferred();
  lifeline.on('error', () => undefined); // the shim died; its exit is handled below
  lifeline.once('close', severed.resolve);
  const ready = deferred();
  lifeline.once('data', () => ready.resolve());
  void severed.promise.then(ready.resolve);
  shim.stderr.resume();
  if (leaseMs !== undefined) {
    const beating = setInterval(() => lifeline.write('.\n'), leaseMs / looksInLease);
    beating.unref();
    void severed.promise.then(() => clearInterval(beating));
  }

  const tooLarge = deferred();
  const follow = (name: 'stdout' | 'stderr') =>
    createFileTail(output[name], outputFile(directory, name), {
      maxBytes: maxFileBytes,
      onTooLarge: tooLarge.resolve,
    });
  const [stdout, stderr] = [follow('stdout'), follow('stderr')];
  // Where the disk is full, it will be an error that its end cannot be recorded.
  void recordStart(directory, shim.identity).catch(() => undefined);

  /** The shim, unless it was killed, exits only when the record stands, and as the program did. */
  async function exitOfProgram(exit: Exit): Promise<Exit> {
    if (exit.code !== null) return exit;
    // Whoever could tell its exit was killed, the spawn helper or itself. The record may.
    if (exit.lost === true) await severed.promise;
    const found = await readRecord(directory).catch(() => undefined);
    if (found?.state !== 'ended') return { ...exit, lost: true };
    return { code: found.code, signal: found.signal, look: exit.look };
  }

  return {
    ...shim,
    stdout: stdout.stream,
    stderr: stderr.stream,
    exited: shim.exited.then(exitOfProgram),
    letGo() {
      shim.letGo();
      lifeline.unref();
      if (shim.stderr instanceof Socket) shim.stderr.unref();
    },
    recording: {
      tooLarge: tooLarge.promise,
      outputOver() {
        stdout.noMore();
        stderr.noMore();
      },
      async stopping(reason) {
        const note = recordStop(directory, reason).catch(() => undefined);
        await settlesWithin(Promise.all([note, ready.promise]), patienceMs);
      },
      async ended(end) {
        if (end.reason !== 'lost') await recordEnd(directory, end);
      },
    },
  };
}
