import type { Readable } from 'node:stream';
import { settlesWithin } from './alarm.js';
import { createCapture, nothingCaptured, type Capture, type Captured } from './capture.js';
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
  /** True once everything up to the end of the stream is captured and handled; waits for it up to `ms`. */
  settles(ms: number): Promise<boolean> | true;
  /**
   * Reads what is left, now that the writers are gone, and lets go of the stream. Ends without the end
   * of the stream when nothing is left in it, because a process that escaped may still hold it open.
   * A handler that has not returned when `giveUp` resolves is left alone and reported as its error.
   */
  finish(giveUp: Promise<unknown>): Promise<Captured>;
}

/** More than the kernel buffers for one stream: whoever wrote the rest is still alive. */
const kernelBufferBytes = 4 * 1024 * 1024;
/** What is left in a stream is there to be read at once, so this much silence says that nothing is. */
const silenceMs = 20;

export function createOutput(stream: Readable, options: OutputOptions): Output {
  let capture: Capture | undefined;
  const splitter =
    options.onLine === undefined ? undefined : createLineSplitter(options.maxLineBytes);
  const done = deferred();
  let begun = false;
  let closed = false;
  let isDone = false;
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
    capture ??= createCapture(options.captureBytes);
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

  /** Once both begun and closed: hands over the last line, and is done when nothing is handled any more. */
  function complete(): void {
    if (!begun || !closed) return;
    if (listening) for (const line of splitter?.rest() ?? []) queue.push(line);
    if (handling === undefined) handOver();
    void whenHandled();
  }

  async function whenHandled(): Promise<void> {
    while (handling !== undefined) await handling;
    listening = false;
    isDone = true;
    done.resolve();
  }

  // A stream that was destroyed or reset has no 'end', and every stream has a 'close'.
  stream.once('close', () => {
    closed = true;
    complete();
  });
  stream.on('error', () => undefined);

  const captured = (): Captured => capture?.end() ?? nothingCaptured;

  // A timer costs more than the rest of it, and mostly there is nothing to wait for.
  const settles = (ms: number) => isDone || settlesWithin(done.promise, ms);

  return {
    settles,
    begin() {
      flow();
      begun = true;
      complete();
    },
    async finish(giveUp) {
      if (isDone) return captured();
      const late = giveUp.then(() => 'late' as const);
      const atFirst = received;
      for (let before = received; !(await settles(silenceMs)); before = received) {
        if (handling !== undefined) {
          if ((await Promise.race([handling, late])) === 'late') break;
          continue;
        }
        if (options.isFile) continue;
        // A busy loop comes late to its timers, and before it has read: it gets one turn to do so.
        await new Promise((resolve) => setImmediate(resolve));
        if (received === before || received - atFirst > kernelBufferBytes) break;
      }
      stream.destroy();
      await Promise.race([done.promise, giveUp]);
      if (handling !== undefined) fail(new Error('The line handler did not return in time.'));
      return captured();
    },
  };
}
