import { excerpt, isJsonObject, type Json, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { onAbort } from '../on-abort.js';
import { headersOf } from './envelope.js';
import { timedOut } from './timed-out.js';
import { broke } from '../transport/failure.js';
import type { RequestId, Transport } from '../transport/transport.js';

/** How far the server has come with a request. */
export interface Progress {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

/** How one request is made. */
export interface RequestOptions {
  /** Longest silence: each progress that the server tells begins it anew. Default: the server's `timeoutMs`. */
  readonly timeoutMs?: number;
  /** Longest time of all, progress or not. Default: the server's `totalMs`. */
  readonly totalMs?: number;
  /** Gives up: the server is told, and the request rejects with `ORCH_MCP_CANCELLED`. */
  readonly signal?: AbortSignal;
  onProgress?(progress: Progress): void;
}

/** A request that is a part of more, which shares its time in all. */
export interface RunningOptions extends RequestOptions {
  /** When that time began, as of `performance.now()`. Default: now. */
  readonly startedMs?: number;
}

/** For what is asked besides a request: its times and its signal. What comes of progress is of the request alone. */
export function besides(options: RunningOptions = {}): RunningOptions {
  const others: RunningOptions = { ...options };
  delete others.onProgress;
  return others;
}

interface Pending {
  readonly method: string;
  readonly timeoutMs: number;
  readonly totalMs: number;
  readonly startedMs: number;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly resolve: (result: JsonObject) => void;
  readonly reject: (error: unknown) => void;
  lastMs: number;
  letGoOfSignal: (() => void) | undefined;
}

export interface PeerOptions {
  /** The server's name, for messages. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly totalMs: number;
  notified(method: string, params: JsonObject): void;
  /** A request of the server, or an answer that is not ours. */
  other(message: JsonObject): void;
  /** A request got no answer in time. */
  timedOut(): void;
}

/** On the monotonic clock, rounded up; a whole number takes no memory of its own. */
const wholeMs = (): number => Math.ceil(performance.now());

/** Below are the ids of the engine. */
export const firstId = 1000;

/** After so many requests the map of those that wait is made anew. */
const renewEvery = 512;

/** Parameters with the token by which a server tells progress, without a copy of them. */
const withToken = (written: string, id: number): string =>
  `{"_meta":{"progressToken":${id}}${written === '{}' ? '' : ','}${written.slice(1)}`;

/**
 * The requests of one connection and their answers. This is the path of every call, so it is made of one map and one
 * timer, and of one text a request.
 */
export class Peer {
  readonly #options: PeerOptions;
  #pending = new Map<RequestId, Pending>();
  /** The id with which it is made anew. */
  #renewAt = firstId + renewEvery;
  #transport: Transport | undefined;
  #nextId = firstId;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  #lookMs = Infinity;
  #over: McpError | undefined;
  #envelope: JsonObject | undefined;
  /** So many questions of the server wait for our answer. */
  #held = 0;

  constructor(options: PeerOptions) {
    this.#options = options;
  }

  /** Since 2026-07-28: what each message says of its sender. */
  introduce(envelope: JsonObject): void {
    this.#envelope = envelope;
  }

  speakOver(transport: Transport): void {
    this.#transport = transport;
  }

  /** Why nothing can be asked any more. */
  get over(): McpError | undefined {
    return this.#over;
  }

  request(
    method: string,
    params: JsonObject,
    options: RunningOptions = {},
    more?: Readonly<Record<string, string>>,
  ): Promise<JsonObject> {
    const { signal } = options;
    if (this.#over !== undefined) return Promise.reject(this.#over);
    if (signal?.aborted === true) return Promise.reject(this.#cancelled(method, signal.reason));
    const id = this.#nextId;
    this.#nextId += 1;
    let written: string;
    let sent = params;
    try {
      if (params['_meta'] === undefined && this.#envelope === undefined)
        written = withToken(JSON.stringify(params), id);
      else {
        const meta = params['_meta'];
        sent = {
          ...params,
          _meta: { ...(isJsonObject(meta) && meta), ...this.#envelope, progressToken: id },
        };
        written = JSON.stringify(sent);
      }
    } catch (cause) {
      const why = cause instanceof Error ? excerpt(cause.message) : 'unknown';
      const error = `${method} was not sent to ${this.#options.name}: what it was given is no JSON (${why}).`;
      return Promise.reject(new McpError('ORCH_MCP_SPEC', error, { cause }));
    }
    const text = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${written}}`;
    return new Promise((resolve, reject) => {
      const now = wholeMs();
      const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs;
      const totalMs = options.totalMs ?? this.#options.totalMs;
      const startedMs = options.startedMs === undefined ? now : Math.ceil(options.startedMs);
      const pending: Pending = {
        method,
        timeoutMs,
        totalMs,
        startedMs,
        lastMs: now,
        onProgress: options.onProgress?.bind(options),
        resolve,
        reject,
        letGoOfSignal: undefined,
      };
      this.#pending.set(id, pending);
      if (id >= this.#renewAt) this.#renew();
      this.#lookBy(Math.min(now + timeoutMs, startedMs + totalMs), now);
      if (signal !== undefined)
        pending.letGoOfSignal = onAbort(signal, () => {
          this.#giveUp(id, this.#cancelled(method, signal.reason), 'cancelled');
        });
      const headers =
        this.#envelope === undefined ? undefined : { ...headersOf(method, sent), ...more };
      // A transport of its user's own may fail of a request in either way.
      try {
        this.#transport
          ?.send(text, id, headers)
          ?.catch((cause: unknown) => this.#unsent(id, cause));
      } catch (cause) {
        this.#unsent(id, cause);
      }
    });
  }

  /** Resolves when the server has taken it. */
  async notify(method: string, params: JsonObject = {}): Promise<void> {
    if (this.#over !== undefined) throw this.#over;
    const said =
      this.#envelope === undefined
        ? params
        : {
            ...params,
            _meta: { ...(params['_meta'] as JsonObject | undefined), ...this.#envelope },
          };
    const text = JSON.stringify({ jsonrpc: '2.0', method, params: said });
    await this.#transport?.send(text, undefined, headersOf(method, said));
  }

  receive(message: JsonObject): void {
    const { id, method } = message;
    if (method === undefined) {
      if (typeof id === 'number' && id >= firstId) this.#answered(id, message);
      else this.#options.other(message);
    } else if (id !== undefined) {
      this.#options.other(message);
    } else if (method === 'notifications/progress') {
      this.#progressed(message['params']);
    } else if (typeof method === 'string') {
      const params = message['params'];
      this.#options.notified(method, isJsonObject(params) ? params : {});
      this.#options.other(message);
    }
  }

  failed(id: RequestId, error: McpError): void {
    this.#take(id)?.reject(error);
  }

  /** An answer that is in a file. False if it is of no use to who asked, so the file can go. */
  answeredInFile(id: RequestId, result: JsonObject): boolean {
    const pending = this.#take(id);
    if (pending?.method === 'tools/call') {
      pending.resolve(result);
      return true;
    }
    pending?.reject(
      new McpError(
        'ORCH_MCP_TOO_LARGE',
        `${this.#options.name} answered ${pending.method} with more than maxMessageBytes, and only results of tools are put into files. Ask it for less, or raise maxMessageBytes.`,
      ),
    );
    return false;
  }

  /** The server waits for us: until the release, and for as long again as it may be silent, it is not silent. */
  hold(): () => void {
    this.#held += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#held -= 1;
      const now = wholeMs();
      for (const pending of this.#pending.values()) pending.lastMs = Math.max(pending.lastMs, now);
    };
  }

  /** As long as a person is asked, its silence is not counted; its time in all is. */
  waitsForPerson(id: RequestId, isWaiting: boolean): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    const now = wholeMs();
    pending.lastMs = isWaiting ? Infinity : now;
    if (!isWaiting) this.#lookBy(now + pending.timeoutMs, now);
  }

  /** Everybody who waits, and whoever asks from now on, gets the error. */
  end(error: McpError): void {
    this.#over ??= error;
    clearTimeout(this.#timer);
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(error);
  }

  /**
   * A map that outgrew its table keeps the old one, which refers to the new. Once one of them is in the old part of
   * the heap all after it live on with it, and their copies take a fifth of a busy client's time.
   */
  #renew(): void {
    this.#pending = new Map(this.#pending);
    this.#renewAt = this.#nextId + Math.max(renewEvery, 4 * this.#pending.size);
  }

  #take(id: RequestId): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    pending.letGoOfSignal?.();
    return pending;
  }

  #unsent(id: number, cause: unknown): void {
    this.#take(id)?.reject(McpError.isInstance(cause) ? cause : broke(this.#options.name, cause));
  }

  #answered(id: number, message: JsonObject): void {
    // Given up since, or answered before: nobody waits for it any more.
    const pending = this.#take(id);
    if (pending === undefined) return;
    const { result, error } = message;
    if (isJsonObject(result)) pending.resolve(result);
    else if (isJsonObject(error)) pending.reject(this.#remote(pending.method, error));
    else
      pending.reject(
        new McpError(
          'ORCH_MCP_RESULT',
          `${this.#options.name} answered ${pending.method} with neither a result nor an error. This is a defect of the server.`,
        ),
      );
  }

  #remote(method: string, error: JsonObject): McpError {
    const { message, code, data } = error;
    const said = typeof message === 'string' ? message.slice(0, 2000) : 'no message';
    return new McpError('ORCH_MCP_REMOTE', `${this.#options.name} refused ${method}: ${said}`, {
      details: { rpcCode: code, data },
    });
  }

  #progressed(params: Json | undefined): void {
    if (!isJsonObject(params)) return;
    const token = params['progressToken'];
    const pending = typeof token === 'number' ? this.#pending.get(token) : undefined;
    if (pending === undefined) return;
    pending.lastMs = wholeMs();
    const { progress, total, message } = params;
    if (pending.onProgress === undefined || typeof progress !== 'number') return;
    try {
      pending.onProgress({
        progress,
        ...(typeof total === 'number' && { total }),
        ...(typeof message === 'string' && { message }),
      });
    } catch (error) {
      if (typeof token === 'number') this.#giveUp(token, error, 'the progress handler failed');
    }
  }

  /** One timer for all: it is set anew only for a request that is due before the others. */
  #lookBy(dueMs: number, now: number): void {
    if (dueMs >= this.#lookMs) return;
    clearTimeout(this.#timer);
    this.#lookMs = dueMs;
    // What keeps the process alive is the connection.
    this.#timer = setTimeout(() => this.#look(), dueMs - now).unref();
  }

  /** Ends what is due. Progress only notes its time, so what was due may have more. */
  #look(): void {
    this.#lookMs = Infinity;
    const now = wholeMs();
    let nextMs = Infinity;
    for (const [id, pending] of this.#pending) {
      const silentAtMs = (this.#held > 0 ? now : pending.lastMs) + pending.timeoutMs;
      const overAtMs = pending.startedMs + pending.totalMs;
      if (now >= overAtMs) this.#timeOut(id, pending, 'total');
      else if (now >= silentAtMs) this.#timeOut(id, pending, 'silence');
      else nextMs = Math.min(nextMs, silentAtMs, overAtMs);
    }
    if (nextMs < Infinity) this.#lookBy(nextMs, now);
  }

  #timeOut(
    id: RequestId,
    { method, timeoutMs, totalMs }: Pending,
    limit: 'total' | 'silence',
  ): void {
    const ms = limit === 'total' ? totalMs : timeoutMs;
    const error = timedOut(this.#options.name, { method, limit, ms });
    this.#giveUp(id, error, `timed out (${limit})`);
    this.#options.timedOut();
  }

  #giveUp(id: RequestId, error: unknown, reason: string): void {
    const pending = this.#take(id);
    if (pending === undefined) return;
    this.#transport?.forget(id);
    pending.reject(error);
    // Without sessions, the end of its stream says it.
    if (this.#envelope !== undefined && this.#transport?.hasStreams === true) return;
    this.notify('notifications/cancelled', { requestId: id, reason }).catch(() => undefined);
  }

  #cancelled(method: string, cause: unknown): McpError {
    return new McpError(
      'ORCH_MCP_CANCELLED',
      `${method} of ${this.#options.name} was cancelled by its caller; what the server has done until then stands.`,
      { cause },
    );
  }
}
