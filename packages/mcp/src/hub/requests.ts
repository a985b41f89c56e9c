import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { RequestOptions, RunningOptions } from '../protocol/peer.js';
import type { Redactor } from '../safety/redaction.js';
import type { Connection } from './connection.js';
import { unlessLate } from './patience.js';
import type { Supervisor } from './supervisor.js';

/**
 * Throws if a request must not be made. A promise: what is known is out of date, and is read first, in the time of the
 * request.
 */
export type Admit = (options: RunningOptions | undefined) => Promise<unknown> | undefined;

/** The options of a request, with when its time in all began and how long it is. */
type Timed = RunningOptions & { readonly startedMs: number; readonly totalMs: number };

export interface RequestsOptions {
  readonly name: string;
  readonly supervisor: Supervisor;
  readonly redactor: Redactor;
  /** Longest time of a request in all, unless it says otherwise. */
  readonly totalMs: number;
  /** Throws if the server must not be started. */
  mayStart(): void;
}

/** Makes a request on a connection, with the times that it has. */
export type Work<T> = (connection: Connection, options: RunningOptions | undefined) => Promise<T>;

/** So often a list that changes while it is read is read again. */
export const mostTurns = 10;

const mayRepeat = (error: unknown): boolean =>
  McpError.isInstance(error) &&
  (error.code === 'ORCH_MCP_CLOSED' || error.code === 'ORCH_MCP_SESSION');

/** Makes the requests of one server, on whichever connection stands or can be made. */
export class ServerRequests {
  readonly #options: RequestsOptions;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** A connection that is ready, or a new one, if this server may be started. */
  acquire(signal?: AbortSignal): Promise<Connection> {
    if (this.#options.supervisor.current === undefined) this.#options.mayStart();
    return this.#options.supervisor.acquire(signal);
  }

  /** Whether what failed of this may be done again, on another connection. */
  mayRepeat(error: unknown): boolean {
    return mayRepeat(error) && this.#options.supervisor.state !== 'closed';
  }

  request(
    capability: string,
    method: string,
    params: JsonObject,
    options: RequestOptions | undefined,
    repeat: boolean,
    admit?: Admit,
    startedMs?: number,
  ): Promise<JsonObject> {
    const work: Work<JsonObject> = ({ session }, running) =>
      session.request(method, params, running);
    return this.ask(capability, method, work, options, repeat, admit, startedMs);
  }

  /**
   * `repeat`: once more, on a new connection, if this one breaks before the answer. All that is waited for is in the one
   * time in all, which began at `startedMs`.
   */
  async ask<T>(
    capability: string | undefined,
    method: string,
    work: Work<T>,
    options: RequestOptions | undefined,
    repeat = true,
    admit?: Admit,
    startedMs = performance.now(),
  ): Promise<T> {
    const { supervisor, redactor } = this.#options;
    let connection = supervisor.current;
    if (connection !== undefined) this.#requireCapability(connection, capability, method);
    // On the path of nearly every call there is nothing to wait for.
    const asking = connection && admit?.(options);
    let running: RunningOptions | undefined = options;
    if (connection === undefined || asking !== undefined) {
      await asking;
      const timed = this.#timed(options, startedMs);
      connection = await this.#admitted(capability, method, timed, admit);
      running = timed;
    }
    try {
      return await work(connection, running);
    } catch (error) {
      if (!repeat || !this.mayRepeat(error)) throw redactor.error(error);
      const timed = this.#timed(options, startedMs);
      const next = await this.#admitted(capability, method, timed, admit);
      return await work(next, timed).catch((again: unknown) => {
        throw redactor.error(again);
      });
    }
  }

  /** The server's lists are never the same for long enough. */
  restless(): McpError {
    const { name } = this.#options;
    return new McpError(
      'ORCH_MCP_CHANGED',
      `${name} changes what it lists faster than it can be looked at, so nothing was sent. This is a defect of the server.`,
      { details: { server: name } },
    );
  }

  #timed(options: RequestOptions | undefined, startedMs: number): Timed {
    return { ...options, totalMs: options?.totalMs ?? this.#options.totalMs, startedMs };
  }

  /** A connection on which the request may be made, by what the server of this connection says of itself. */
  async #admitted(
    capability: string | undefined,
    method: string,
    timed: Timed,
    admit: Admit | undefined,
  ): Promise<Connection> {
    const { name: server, supervisor } = this.#options;
    const { startedMs, totalMs } = timed;
    const patience = { server, method, startedMs, totalMs, waitedFor: 'start' } as const;
    for (let turn = 1; turn <= mostTurns; turn += 1) {
      const connection =
        supervisor.current ?? (await unlessLate(this.acquire(timed.signal), patience));
      this.#requireCapability(connection, capability, method);
      const asking = admit?.(timed);
      if (asking === undefined) return connection;
      await asking;
    }
    throw this.restless();
  }

  #requireCapability(
    { handshake }: Connection,
    capability: string | undefined,
    method: string,
  ): void {
    if (capability === undefined || handshake.capabilities[capability] !== undefined) return;
    throw new McpError(
      'ORCH_MCP_UNSUPPORTED',
      `${this.#options.name} does not declare ${capability}, so ${method} was not sent. Ask a server that does.`,
      { details: { capability, method } },
    );
  }
}
