import { JsonlError, reasonOf } from '../errors.js';
import { commitGroup } from './commit.js';
import { createGroupLayout, type ChainTip, type Entry } from './group.js';
import { openFile, type Opened } from './open-file.js';
import { runSteps, runStepsSync, type Steps } from './steps.js';
import type { WriterSettings } from './writer-options.js';

/** A writer of finished lines; `openWriter` and sessions put values in front of it. */
export interface LineWriter {
  readonly opened: Opened;
  head(): string | undefined;
  bytes(): number | undefined;
  append(lines: readonly string[]): Promise<{ readonly bytes: number }>;
  appendSync(lines: readonly string[]): { readonly bytes: number };
  flush(): Promise<void>;
  close(): Promise<void>;
}

const ignore = (): void => undefined;

/**
 * Commits in groups: while one group is being written and synced, everything appended meanwhile
 * waits and becomes the next one. So a sync is paid once for all who wait for it.
 */
export async function openLineWriter(path: string, settings: WriterSettings): Promise<LineWriter> {
  const { fileSystem, access, durability, maxBatchBytes } = settings;
  const { file, opened, tip: firstTip } = await openFile(path, settings);
  const layout = createGroupLayout(access === 'shared');
  const alwaysSync = durability === 'batch' || durability === 'sync';

  let tip: ChainTip | undefined = firstTip;
  let length = access === 'exclusive' ? opened.bytes : undefined;
  let queue: Entry[] = [];
  let scheduled: Promise<void> | undefined;
  let inFlight = false;
  /** Whether bytes were written that no sync has covered. */
  let unsynced = !alwaysSync && opened.bytes > 0;
  let failure: JsonlError | undefined;
  /** Whether somebody was told of the failure by a rejection. */
  let failureTold = false;
  let closing: Promise<void> | undefined;

  function refusal(): JsonlError | undefined {
    if (failure !== undefined) return writerFailedError(path, failure);
    if (closing === undefined) return undefined;
    const message = `Cannot append to ${path}: this writer was closed; open the file again`;
    return new JsonlError('ORCH_JSONL_CLOSED', message, { path });
  }

  /** Takes the entries of the next group from the queue. */
  function takeEntries(): Entry[] {
    let count = 0;
    let bytes = 0;
    for (const entry of queue) {
      if (count > 0 && (durability === 'sync' || bytes + entry.bytes > maxBatchBytes)) break;
      count += 1;
      bytes += entry.bytes;
    }
    const entries = queue.slice(0, count);
    queue = queue.slice(count);
    return entries;
  }

  /** The calls that commit these entries; what is known of the file changes once all have succeeded. */
  function* commit(entries: readonly Entry[]): Steps<void> {
    const laidOut = layout.layOut(entries, tip);
    const { bytes } = laidOut;
    const sync = alwaysSync || entries.some((entry) => entry.sync);
    const durable = sync && (unsynced || bytes.length > 0);
    yield* commitGroup({ path, bytes, at: length, durable });
    tip = laidOut.tip;
    if (length !== undefined) length += bytes.length;
    if (durable) unsynced = false;
    else if (bytes.length > 0) unsynced = true;
    const sealedEntry = entries.findLast((entry) => entry.lines.length > 0);
    for (const entry of entries) {
      entry.resolve({ bytes: entry.bytes + (entry === sealedEntry ? laidOut.sealed : 0) });
    }
  }

  function fail(entries: readonly Entry[], error: unknown): void {
    // What is not a failure of a commit (memory for a huge group, say) must stop the writer as well.
    failure = JsonlError.isInstance(error) ? error : unexpectedError(path, error);
    for (const entry of entries) entry.reject(failure);
    const waiting = queue;
    queue = [];
    for (const entry of waiting) entry.reject(writerFailedError(path, failure));
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const entries = takeEntries();
      inFlight = true;
      try {
        await runSteps(commit(entries), fileSystem, file);
      } catch (error) {
        fail(entries, error);
      } finally {
        inFlight = false;
      }
    }
    scheduled = undefined;
  }

  function enqueue(lines: readonly string[], sync: boolean): Promise<{ readonly bytes: number }> {
    const refused = refusal();
    if (refused !== undefined) {
      failureTold = true;
      return Promise.reject(refused);
    }
    const bytes = countBytes(lines);
    return new Promise((resolve, reject) => {
      if (durability === 'none' && !sync) {
        queue.push({ lines, bytes, sync, resolve: ignore, reject: ignore });
        resolve({ bytes });
      } else {
        const tell = (error: unknown): void => {
          failureTold = true;
          reject(error);
        };
        queue.push({ lines, bytes, sync, resolve, reject: tell });
      }
      // A turn later, so that everything appended in this turn is in the first group already.
      scheduled ??= Promise.resolve().then(drain);
    });
  }

  return {
    opened,
    head: () => tip?.head,
    bytes: () => length,
    append: (lines) => (lines.length === 0 ? Promise.resolve({ bytes: 0 }) : enqueue(lines, false)),
    appendSync(lines) {
      const refused = refusal();
      if (refused !== undefined) {
        failureTold = true;
        throw refused;
      }
      if (inFlight) {
        const message = `Cannot append to ${path} synchronously while an asynchronous append is being written; await flush() first`;
        throw new JsonlError('ORCH_JSONL_BUSY', message, { path });
      }
      const outcome: { bytes: number; error?: JsonlError } = { bytes: 0 };
      queue.push({
        lines,
        bytes: countBytes(lines),
        sync: false,
        resolve: ({ bytes }) => (outcome.bytes = bytes),
        reject: (error) => (outcome.error = error),
      });
      while (queue.length > 0) {
        const entries = takeEntries();
        try {
          runStepsSync(commit(entries), fileSystem, file);
        } catch (error) {
          fail(entries, error);
        }
      }
      if (outcome.error === undefined) return { bytes: outcome.bytes };
      failureTold = true;
      throw outcome.error;
    },
    async flush() {
      await enqueue([], true);
    },
    close() {
      closing ??= (async () => {
        await scheduled;
        try {
          await fileSystem.close(file);
        } catch (error) {
          failure ??= closeError(path, error);
        }
        if (failure !== undefined && !failureTold) {
          failureTold = true;
          throw failure;
        }
      })();
      return closing;
    },
  };
}

function unexpectedError(path: string, cause: unknown): JsonlError {
  const message = `Cannot append to ${path}: ${reasonOf(cause)}`;
  return new JsonlError('ORCH_JSONL_WRITE_FAILED', message, { path }, cause);
}

function writerFailedError(path: string, first: JsonlError): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_WRITER_FAILED',
    `Cannot append to ${path}: an earlier append failed, and this writer takes nothing more; close it and open the file again`,
    { path, first: first.code },
    first,
  );
}

function closeError(path: string, cause: unknown): JsonlError {
  const message = `Cannot close ${path}: ${reasonOf(cause)}`;
  return new JsonlError('ORCH_JSONL_WRITE_FAILED', message, { path }, cause);
}

function countBytes(lines: readonly string[]): number {
  let bytes = 0;
  for (const line of lines) bytes += Buffer.byteLength(line) + 1;
  return bytes;
}
