import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { RequestOptions } from '../protocol/peer.js';
import type { Redactor } from '../safety/redaction.js';
import type { Connection } from './connection.js';
import type { Supervisor } from './supervisor.js';

/** Throws if a request must not be made. A promise: what is known is out of date, and is read first. */
export type Admit = () => Promise<unknown> | undefined;

export interface RequestsOptions {
  readonly name: string;
  readonly supervisor: Supervisor;
  readonly redactor: Redactor;
  /** Throws if the server must not be started. */
  mayStart(): void;
}

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
  ): Promise<JsonObject> {
    const work = ({ session }: Connection): Promise<JsonObject> =>
      session.request(method, params, options);
    return this.ask(capability, method, work, options, repeat, admit);
  }

  /** `repeat`: once more, on a new connection, if this one breaks before the answer. */
  async ask<T>(
    capability: string | undefined,
    method: string,
    work: (connection: Connection) => Promise<T>,
    options: RequestOptions | undefined,
    repeat = true,
    admit?: Admit,
  ): Promise<T> {
    const { supervisor, redactor } = this.#options;
    let connection = supervisor.current;
    if (connection !== undefined) this.#requireCapability(connection, capability, method);
    // On the path of nearly every call there is nothing to wait for.
    const asking = connection && admit?.();
    if (connection === undefined || asking !== undefined) {
      await asking;
      connection = await this.#admitted(capability, method, options?.signal, admit);
    }
    try {
      return await work(connection);
    } catch (error) {
      if (!repeat || !this.mayRepeat(error)) throw redactor.error(error);
      const next = await this.#admitted(capability, method, options?.signal, admit);
      return await work(next).catch((again: unknown) => {
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

  /** A connection on which the request may be made, by what the server of this connection says of itself. */
  async #admitted(
    capability: string | undefined,
    method: string,
    signal: AbortSignal | undefined,
    admit: Admit | undefined,
  ): Promise<Connection> {
    for (let turn = 1; turn <= mostTurns; turn += 1) {
      const connection = await this.acquire(signal);
      this.#requireCapability(connection, capability, method);
      const asking = admit?.();
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
