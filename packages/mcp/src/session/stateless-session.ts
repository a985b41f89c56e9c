import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientAnswers, Stateless } from '../engine/engine.js';
import { excerpt, isJsonObject, type Json, type JsonObject } from '../json.js';
import { McpError, type McpErrorCode } from '../mcp-error.js';
import { onAbort } from '../on-abort.js';
import { logLevelKey } from '../protocol/envelope.js';
import {
  markedParameters,
  parameterHeaders,
  type MarkedParameter,
} from '../protocol/parameter-headers.js';
import { besides, type Peer, type RequestOptions, type RunningOptions } from '../protocol/peer.js';
import { ChangeStream } from './change-stream.js';
import type { Session } from './session.js';

export interface StatelessOptions {
  readonly name: string;
  readonly peer: Peer;
  readonly stateless: Stateless;
  readonly capabilities: JsonObject;
  readonly answers: ClientAnswers;
  readonly totalMs: number;
  /** Its messages go over HTTP, a request each: what is marked goes into headers too. */
  readonly carriesHeaders: boolean;
  noise(text: string): void;
  missed(): void;
}

/** A server may ask back so often before it answers. */
const roundsMost = 10;
/** A server that only wants to be asked again later is asked after this, doubled each time. */
const laterMs = 100;
const headerMismatch = -32_020;

/** Of the revisions since 2026-07-28: every request says who asks, and a server asks back in its answers. */
export class StatelessSession implements Session {
  readonly #options: StatelessOptions;
  readonly #changes: ChangeStream;
  readonly #watched = new Set<string>();
  readonly #over = new AbortController();
  /** By tool; undefined for one whose marks are not valid. */
  #marked: Map<string, readonly MarkedParameter[] | undefined> | undefined;

  constructor(options: StatelessOptions) {
    this.#options = options;
    options.peer.introduce(options.stateless.envelope);
    this.#changes = new ChangeStream(options);
    this.#changes.begin();
  }

  async request(
    method: string,
    params: JsonObject,
    options: RunningOptions = {},
  ): Promise<JsonObject> {
    if (!this.#options.carriesHeaders) return this.#inRounds(method, params, options, {});
    if (method === 'tools/list') {
      const { cursor } = params;
      return this.#note(await this.#inRounds(method, params, options, {}), cursor === undefined);
    }
    if (method !== 'tools/call') return this.#inRounds(method, params, options, {});
    // What is read for it, and what is done again, is in its time.
    const running: RunningOptions = { startedMs: performance.now(), ...options };
    if (this.#marked === undefined) await this.#readMarks(running);
    try {
      return await this.#inRounds(method, params, running, this.#headersOf(params));
    } catch (error) {
      // It was refused before it was done: the tool has other marks now.
      if (!McpError.isInstance(error) || error.details['rpcCode'] !== headerMismatch) throw error;
      await this.#readMarks(running);
      return this.#inRounds(method, params, running, this.#headersOf(params));
    }
  }

  async ping(options?: RequestOptions): Promise<void> {
    await this.#options.peer.request('server/discover', {}, options);
  }

  setLogLevel(level: string): Promise<void> {
    this.#options.peer.introduce({ ...this.#options.stateless.envelope, [logLevelKey]: level });
    return Promise.resolve();
  }

  async watch(uri: string): Promise<void> {
    this.#watched.add(uri);
    let cause: unknown;
    try {
      const honoured = await this.#changes.follow([...this.#watched]);
      if (honoured.includes(uri)) return;
    } catch (error) {
      cause = error;
    }
    this.#watched.delete(uri);
    const why = cause instanceof Error ? `: ${excerpt(cause.message)}` : '';
    throw new McpError(
      'ORCH_MCP_UNSUPPORTED',
      `${this.#options.name} does not tell of changes of ${excerpt(uri)}${why}.`,
      { details: { uri }, cause },
    );
  }

  async unwatch(uri: string): Promise<void> {
    if (this.#watched.delete(uri)) await this.#changes.follow([...this.#watched]);
  }

  close(): void {
    this.#over.abort();
    this.#changes.close();
  }

  /** Until the server has all that it asks for; the times of the caller are those of all rounds together. */
  async #inRounds(
    method: string,
    params: JsonObject,
    options: RunningOptions,
    headers: Readonly<Record<string, string>>,
  ): Promise<JsonObject> {
    const { name, peer } = this.#options;
    const { totalMs = this.#options.totalMs, startedMs = performance.now() } = options;
    let asked = params;
    for (let round = 0; round <= roundsMost; round += 1) {
      const running = { ...options, totalMs, startedMs };
      const result = await peer.request(method, asked, running, headers);
      // Absent, it means complete.
      const { resultType: type = 'complete', inputRequests, requestState } = result;
      if (type === 'complete') return result;
      if (type !== 'input_required' || (inputRequests === undefined && requestState === undefined))
        throw new McpError(
          'ORCH_MCP_RESULT',
          `${name} answered ${method} with a result of the type ${excerpt(JSON.stringify(type), 80)}, which is not of the protocol. This is a defect of the server.`,
        );
      const answering = (signal: AbortSignal): Promise<JsonObject | undefined> =>
        inputRequests === undefined
          ? sleep(laterMs * 2 ** round, undefined, { signal })
          : this.#answerAll(method, inputRequests, signal);
      const endMs = startedMs + totalMs;
      const inputResponses = await this.#within(endMs, method, options.signal, answering);
      asked = { ...params, inputResponses, requestState };
    }
    throw new McpError(
      'ORCH_MCP_RESULT',
      `${name} asked back more than ${roundsMost} times in ${method}, so it was given up. This is a defect of the server.`,
    );
  }

  /** A person or a model may take its time, but none that the request does not have. */
  async #within<T>(
    endMs: number,
    method: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { name, peer } = this.#options;
    const stop = new AbortController();
    let letGo: (() => void)[] = [];
    const givenUp = new Promise<never>((_resolve, reject) => {
      const giveUp = (code: McpErrorCode, what: string, details = {}): void => {
        reject(new McpError(code, `${name} was answering ${method}, ${what}`, { details }));
        stop.abort();
      };
      const late = (): void =>
        giveUp(
          'ORCH_MCP_TIMEOUT',
          'and waited for an answer of its client for too long; raise totalMs if it is right to wait.',
          { method, limit: 'total' },
        );
      const cancel = (): void => giveUp('ORCH_MCP_CANCELLED', 'when its caller cancelled it.');
      const close = (): void => giveUp('ORCH_MCP_CLOSED', 'when its connection was closed.');
      const timer = setTimeout(late, Math.max(1, endMs - performance.now()));
      letGo = [() => clearTimeout(timer), onAbort(this.#over.signal, close)];
      if (signal !== undefined) letGo.push(onAbort(signal, cancel));
      if (peer.over !== undefined) close();
      else if (signal?.aborted === true) cancel();
    });
    try {
      return await Promise.race([work(stop.signal), givenUp]);
    } finally {
      for (const release of letGo) release();
    }
  }

  async #answerAll(method: string, requests: Json, signal: AbortSignal): Promise<JsonObject> {
    const { name, answers } = this.#options;
    if (!isJsonObject(requests))
      throw new McpError(
        'ORCH_MCP_RESULT',
        `${name} asked back in ${method} without saying what. This is a defect of the server.`,
      );
    const pairs = Object.entries(requests).map(async ([key, request]) => {
      const asked = isJsonObject(request) ? request : {};
      const { method: what, params } = asked;
      try {
        const answer = await answers.answer(
          typeof what === 'string' ? what : '',
          isJsonObject(params) ? params : {},
          signal,
        );
        return [key, answer] as const;
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : 'unknown';
        throw new McpError(
          'ORCH_MCP_REFUSED',
          `${name} asked its client for ${excerpt(typeof what === 'string' ? what : 'nothing', 80)} in ${method}, and got no answer: ${why} See asks and handlers.`,
          { details: { server: name, method, asked: what }, cause },
        );
      }
    });
    return Object.fromEntries(await Promise.all(pairs));
  }

  async #readMarks(running: RunningOptions): Promise<void> {
    const options = besides(running);
    let cursor: Json | undefined;
    const known = new Set<Json | undefined>();
    do {
      known.add(cursor);
      const page = await this.request(
        'tools/list',
        cursor === undefined ? {} : { cursor },
        options,
      );
      cursor = page['nextCursor'];
    } while (typeof cursor === 'string' && !known.has(cursor));
  }

  /** Tools whose marks are not valid are left out, as the protocol demands of clients over HTTP. */
  #note(page: JsonObject, isFirst: boolean): JsonObject {
    const { tools } = page;
    if (!Array.isArray(tools)) return page;
    if (isFirst || this.#marked === undefined) this.#marked = new Map();
    const marked = this.#marked;
    const valid = (tools as readonly Json[]).filter((tool) => {
      if (!isJsonObject(tool) || typeof tool['name'] !== 'string') return true;
      const { name, inputSchema } = tool;
      const parameters = isJsonObject(inputSchema) ? markedParameters(inputSchema) : [];
      marked.set(name, parameters);
      if (parameters === undefined)
        this.#options.noise(
          `the tool ${excerpt(name, 80)} is left out: its x-mcp-header is not valid`,
        );
      return parameters !== undefined;
    });
    return { ...page, tools: valid };
  }

  #headersOf(params: JsonObject): Record<string, string> {
    const tool = typeof params['name'] === 'string' ? params['name'] : '';
    const marked = this.#marked?.get(tool);
    if (marked === undefined && this.#marked?.has(tool) === true)
      throw new McpError(
        'ORCH_MCP_RESULT',
        `${this.#options.name} marks parameters of the tool ${excerpt(tool, 80)} in a way that is not valid (x-mcp-header), so it was not called. This is a defect of the server.`,
      );
    return parameterHeaders(marked ?? [], params['arguments']);
  }
}
