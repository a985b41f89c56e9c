import type { Readable } from 'node:stream';
import { settlesWithin } from './alarm.js';
import { createCapture, nothingCaptured, type Capture, type Captured } from './capture.js';
import { deferred, type Deferred } from './deferred.js';
import { createLineSplitter, type LinePiece, type LineSplitter } from './line-splitter.js';

/** Who is told what happens to an output. */
export interface OutputOwner {
  /** Bytes came. */
  active(): void;
  /** A handler takes its time: silence does not count until `released`. */
  held(): void;
  released(): void;
  lineTooLong(): void;
  handlerFailed(error: unknown): void;
}

export interface OutputOptions {
  readonly captureBytes: number;
  readonly digest: boolean;
  readonly maxLineBytes: number;
  /** The stream surely ends, when it is told that nobody writes any more. */
  readonly isFile: boolean;
  readonly onLine: ((line: string) => void | Promise<void>) | undefined;
  /** Gets longer lines; without it, they are told to the owner. */
  readonly onLongLine: ((piece: Buffer, isLast: boolean) => void | Promise<void>) | undefined;
  readonly owner: OutputOwner;
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
   * A handler that has not returned when `giveUp` resolves is left alone and reported as its error; asked for
   * only when a handler is waited for.
   */
  finish(giveUp: () => Promise<unknown>): Promise<Captured> | Captured;
}

/** More than the kernel buffers for one stream: whoever wrote the rest is still alive. */
const kernelBufferBytes = 4 * 1024 * 1024;
/** What is left in a stream is there to be read at once, so this much silence says that nothing is. */
const silenceMs = 20;

/** More in one chunk, and the stream rests until the next turn of the event loop. */
const linesOfATurn = 4096;

const ignore = (): void => undefined;

/** A class, and made of nothing before it is used: thousands live at once, most of them silent. */
class StreamOutput implements Output {
  readonly #stream: Readable;
  readonly #options: OutputOptions;
  #capture: Capture | undefined;
  #splitter: LineSplitter | undefined;
  #done: Deferred<void> | undefined;
  #begun = false;
  #closed = false;
  #isDone = false;
  #listening: boolean;
  #standing = true;
  #handling: Promise<void> | undefined;
  #received = 0;
  #queue: (string | LinePiece)[] | undefined;
  #next = 0;

  constructor(stream: Readable, options: OutputOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#listening = options.onLine !== undefined;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    // A stream that was destroyed or reset has no 'end', and every stream has a 'close'.
    stream.on('close', () => {
      this.#closed = true;
      this.#complete();
    });
    stream.on('error', ignore);
    stream.pause();
  }

  begin(): void {
    this.#flow();
    this.#begun = true;
    this.#complete();
  }

  settles(ms: number): Promise<boolean> | true {
    // A timer costs more than the rest of it, and mostly there is nothing to wait for.
    return this.#isDone || settlesWithin(this.#whenDone(), ms);
  }

  finish(giveUp: () => Promise<unknown>): Promise<Captured> | Captured {
    return this.#isDone ? this.#captured() : this.#readRest(giveUp);
  }

  async #readRest(giveUp: () => Promise<unknown>): Promise<Captured> {
    const atFirst = this.#received;
    for (let before = atFirst; !(await this.settles(silenceMs)); before = this.#received) {
      if (this.#handling !== undefined) {
        if (await this.#isLeft(giveUp)) break;
        continue;
      }
      if (this.#options.isFile) continue;
      // A busy loop comes late to its timers, and before it has read: it gets one turn to do so.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#received === before || this.#received - atFirst > kernelBufferBytes) break;
    }
    this.#stream.destroy();
    while (!this.#isDone && !(await this.#isLeft(giveUp)));
    if (this.#handling !== undefined)
      this.#fail(new Error('The line handler did not return in time.'));
    return this.#captured();
  }

  /** Waits for the handler, if one is at work, and else for the end; true if it is to be left alone. */
  async #isLeft(giveUp: () => Promise<unknown>): Promise<boolean> {
    if (this.#handling === undefined) {
      await this.#whenDone();
      return false;
    }
    return Promise.race([this.#handling.then(() => false), giveUp().then(() => true)]);
  }

  #captured(): Captured {
    return this.#capture?.end() ?? nothingCaptured(this.#options.digest);
  }

  #whenDone(): Promise<void> {
    this.#done ??= deferred();
    if (this.#isDone) this.#done.resolve();
    return this.#done.promise;
  }

  #take(chunk: Buffer): void {
    const { captureBytes, digest, maxLineBytes, onLongLine, owner } = this.#options;
    this.#received += chunk.length;
    this.#capture ??= createCapture(captureBytes, digest);
    this.#capture.add(chunk);
    owner.active();
    let count = 0;
    if (this.#listening) {
      this.#splitter ??= createLineSplitter(maxLineBytes, onLongLine !== undefined);
      const lines = this.#splitter.add(chunk);
      if (lines === undefined) {
        this.#listening = false;
        owner.lineTooLong();
      } else {
        this.#enqueue(lines);
        count = lines.length;
      }
    }
    // Node itself lets a stream flow when its process exits.
    if (this.#standing) this.#stream.pause();
    else this.#handOver();
    if (count > linesOfATurn && !this.#standing) this.#rest();
  }

  /** Until the next turn of the loop: else up to 32 chunks come in one, and nobody else has a turn. */
  #rest(): void {
    this.#stream.pause();
    setImmediate(() => {
      if (!this.#standing) this.#stream.resume();
    });
  }

  #enqueue(lines: readonly (string | LinePiece)[]): void {
    if (lines.length === 0) return;
    this.#queue ??= [];
    for (const line of lines) this.#queue.push(line);
  }

  /** Hands over the queued lines; while a returned promise is pending, the stream stands still. */
  #handOver(): void {
    const queue = this.#queue ?? [];
    while (this.#next < queue.length && this.#listening) {
      const result = this.#call(queue[this.#next] ?? '');
      this.#next += 1;
      if (result === undefined) continue;
      this.#standing = true;
      this.#stream.pause();
      this.#options.owner.held();
      this.#handling = this.#untilHandled(result);
      return;
    }
    this.#queue = undefined;
    this.#next = 0;
  }

  async #untilHandled(result: Promise<void>): Promise<void> {
    try {
      await result;
    } catch (error) {
      this.#fail(error);
    }
    this.#handling = undefined;
    this.#options.owner.released();
    this.#flow();
  }

  #call(line: string | LinePiece): void | Promise<void> {
    try {
      return typeof line === 'string'
        ? this.#options.onLine?.(line)
        : this.#options.onLongLine?.(line.bytes, line.isLast);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#listening = false;
    this.#options.owner.handlerFailed(error);
  }

  #flow(): void {
    this.#standing = false;
    this.#handOver();
    if (this.#handling === undefined) this.#stream.resume();
  }

  /** Once both begun and closed: hands over the last line, and is done when nothing is handled any more. */
  #complete(): void {
    if (!this.#begun || !this.#closed) return;
    if (this.#listening) this.#enqueue(this.#splitter?.rest() ?? []);
    if (this.#handling === undefined) this.#handOver();
    void this.#whenHandled();
  }

  async #whenHandled(): Promise<void> {
    while (this.#handling !== undefined) await this.#handling;
    this.#listening = false;
    this.#isDone = true;
    this.#done?.resolve();
  }
}

export const createOutput = (stream: Readable, options: OutputOptions): Output =>
  new StreamOutput(stream, options);
