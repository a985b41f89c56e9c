import type { Readable } from 'node:stream';
import { settlesWithin } from './alarm.js';
import { createCapture, type Captured } from './capture.js';
import { deferred } from './deferred.js';
import { createLineSplitter } from './line-splitter.js';

export interface OutputOptions {
  readonly captureBytes: number;
  readonly maxLineBytes: number;
  /** The stream surely ends, when it is told that nobody writes any more. */
  readonly isFile: boolean;
  readonly onLine: ((line: string) => void | Promise<void>) | undefined;
  /** Bytes came. */
  onActive(): void;
  /** A handler takes its time: silence does not count until `onReleased`. */
  onHeld(): void;
  onReleased(): void;
  onLongLine(): void;
  onHandlerError(error: unknown): void;
}

/** One output stream of a process: captured, hashed, cut into lines. */
export interface Output {
  /** Lets output flow; until then it waits in the pipe. */
  begin(): void;
  /** Resolves when everything up to the end of the stream is captured and handled. */
  readonly done: Promise<unknown>;
  /**
   * Reads what is left, now that the writers are gone, and lets go of the stream. Ends without the end
   * of the stream after `silenceMs` of nothing, because a process that escaped may still hold it open.
   * A handler that has not returned when `giveUp` resolves is left alone and reported as its error.
   */
  finish(silenceMs: number, giveUp: Promise<unknown>): Promise<Captured>;
}

/** More than the kernel buffers for one stream: whoever wrote the rest is still alive. */
const kernelBufferBytes = 4 * 1024 * 1024;

export function createOutput(stream: Readable, options: OutputOptions): Output {
  const capture = createCapture(options.captureBytes);
  const splitter =
    options.onLine === undefined ? undefined : createLineSplitter(options.maxLineBytes);
  const begun = deferred();
  const done = deferred();
  let listening = splitter !== undefined;
  let standing = true;
  let handling: Promise<void> | undefined;
  let received = 0;
  let queue: string[] = [];
  let next = 0;

  function fail(error: unknown): void {
    listening = false;
    options.onHandlerError(error);
  }

  function call(line: string): void | Promise<void> {
    try {
      return options.onLine?.(line);
    } catch (error) {
      fail(error);
    }
  }

  /** Hands over the queued lines; while a returned promise is pending, the stream stands still. */
  function handOver(): void {
    for (let line = queue[next]; line !== undefined && listening; line = queue[next]) {
      next += 1;
      const result = call(line);
      if (result === undefined) continue;
      standing = true;
      stream.pause();
      options.onHeld();
      handling = Promise.resolve(result)
        .catch(fail)
        .then(() => {
          handling = undefined;
          options.onReleased();
          flow();
        });
      return;
    }
    queue = [];
    next = 0;
  }

  function flow(): void {
    standing = false;
    handOver();
    if (handling === undefined) stream.resume();
  }

  stream.on('data', (chunk: Buffer) => {
    received += chunk.length;
    capture.add(chunk);
    options.onActive();
    if (listening) {
      const lines = splitter?.add(chunk);
      if (lines === undefined) {
        listening = false;
        options.onLongLine();
      } else {
        for (const line of lines) queue.push(line);
      }
    }
    // Node itself lets a stream flow when its process exits.
    if (standing) stream.pause();
    else handOver();
  });
  stream.pause();

  async function complete(): Promise<void> {
    await begun.promise;
    if (listening) queue.push(...(splitter?.rest() ?? []));
    if (handling === undefined) handOver();
    while (handling !== undefined) await handling;
    listening = false;
    done.resolve();
  }

  // A stream that was destroyed or reset has no 'end', and every stream has a 'close'.
  stream.once('close', () => void complete());
  stream.on('error', () => undefined);

  return {
    done: done.promise,
    begin() {
      flow();
      begun.resolve();
    },
    async finish(silenceMs, giveUp) {
      const late = giveUp.then(() => 'late' as const);
      const atFirst = received;
      for (let before = -1; !(await settlesWithin(done.promise, silenceMs)); before = received) {
        if (handling !== undefined) {
          if ((await Promise.race([handling, late])) === 'late') break;
        } else if (options.isFile) {
          continue;
        } else if (received === before || received - atFirst > kernelBufferBytes) {
          break;
        }
      }
      stream.destroy();
      await Promise.race([done.promise, giveUp]);
      if (handling !== undefined) fail(new Error('The line handler did not return in time.'));
      return capture.end();
    },
  };
}
