import type { ServerResponse } from 'node:http';
import type { JsonObject } from '../json.js';
import { answerText, unaskedText, type Reply } from './reply.js';

/** From here on a reader is slow, and progress and logs are left out for it. */
const fullBytes = 256 * 1024;
/** How much of a stream is kept for a reader who comes back. */
const keptBytes = 16 * 1024 * 1024;
/** An answer that takes longer is announced with an open stream, so that nobody on the way gives up. */
const patienceMs = 5000;
const heartbeatMs = 15_000;
/** When a reader who was sent away may come back. */
const retryMs = 100;

interface Event {
  readonly seq: number;
  readonly text: string;
}

export interface HttpReplyOptions {
  /** Begins the ids of events; undefined: the stream cannot be resumed. */
  readonly stream: number | undefined;
  /** The answer was given, or there is none. */
  over(): void;
}

/**
 * The answer to one request as JSON, if nothing is said before it, and else as a stream of events, which a reader who
 * lost it can take up again where it broke off.
 */
export class HttpReply implements Reply {
  readonly #options: HttpReplyOptions;
  #response: ServerResponse | undefined;
  #isStream = false;
  #isOver = false;
  #seq = 0;
  #kept: Event[] = [];
  #keptBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse | undefined, options: HttpReplyOptions) {
    this.#options = options;
    if (response === undefined) {
      this.#isStream = true;
      return;
    }
    this.#attach(response);
    this.#timer = setTimeout(() => this.#open(), patienceMs).unref();
  }

  /** Everything was said. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Everything was said, and arrived. */
  get isDone(): boolean {
    return this.#isOver && this.#kept.length === 0;
  }

  get isFull(): boolean {
    return (this.#response?.writableLength ?? 0) > fullBytes;
  }

  send(message: JsonObject): void {
    if (this.#isOver) return;
    const text = unaskedText(message);
    if (text === undefined) return;
    this.#open();
    this.#event(text);
  }

  end(message: JsonObject, status = 200): void {
    if (this.#isOver) return;
    const text = answerText(message);
    if (this.#isStream) this.#event(text);
    else this.#json(status, text);
    this.#finish();
  }

  drop(): void {
    if (this.#isOver) return;
    if (!this.#isStream) this.#response?.writeHead(202);
    this.#finish();
  }

  disconnect(): void {
    this.#open();
    if (this.#options.stream === undefined) return;
    const response = this.#response;
    this.#response = undefined;
    response?.end();
  }

  /** Goes on with another response, after the event that the reader saw last. */
  resume(response: ServerResponse, after: number): void {
    this.#response?.end();
    this.#attach(response);
    const isBegun = this.#isStream;
    this.#isStream = true;
    this.#head();
    if (!isBegun) this.#beat();
    this.#kept = this.#kept.filter(({ seq }) => seq > after);
    this.#keptBytes = this.#kept.reduce((sum, { text }) => sum + text.length, 0);
    for (const { text } of this.#kept) response.write(text);
    if (this.#isOver) this.#finish();
  }

  /** Breaks off whatever is under way. */
  destroy(): void {
    this.#isOver = true;
    this.#kept = [];
    clearTimeout(this.#timer);
    this.#response?.end();
    this.#response?.destroy();
  }

  #attach(response: ServerResponse): void {
    this.#response = response;
    response.once('close', () => {
      if (this.#response !== response) return;
      this.#response = undefined;
      if (this.#isOver && response.writableFinished) this.#kept = [];
    });
  }

  #json(status: number, text: string): void {
    this.#response?.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    this.#response?.write(text);
  }

  #open(): void {
    if (this.#isStream || this.#isOver) return;
    this.#isStream = true;
    this.#head();
    this.#beat();
  }

  #head(): void {
    const { stream } = this.#options;
    this.#response?.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    if (stream === undefined) this.#response?.flushHeaders();
    // An id without a message: whoever loses the stream now can still ask for its rest.
    else this.#response?.write(`id: ${stream}-${this.#seq}\nretry: ${retryMs}\ndata: \n\n`);
    if (this.#timer === undefined) this.#beat();
  }

  #beat(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#response?.write(': still here\n\n');
      this.#beat();
    }, heartbeatMs).unref();
  }

  #event(data: string): void {
    const { stream } = this.#options;
    if (stream === undefined) {
      this.#response?.write(`data: ${data}\n\n`);
      return;
    }
    this.#seq += 1;
    const text = `id: ${stream}-${this.#seq}\ndata: ${data}\n\n`;
    this.#kept.push({ seq: this.#seq, text });
    this.#keptBytes += text.length;
    while (this.#keptBytes > keptBytes && this.#kept.length > 1)
      this.#keptBytes -= this.#kept.shift()?.text.length ?? 0;
    this.#response?.write(text);
  }

  #finish(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#options.over();
    this.#response?.end();
  }
}
