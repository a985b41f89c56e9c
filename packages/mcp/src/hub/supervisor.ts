import { McpError } from '../mcp-error.js';
import { unlessAborted } from '../on-abort.js';
import type { Connection } from './connection.js';

/**
 * `idle`: nothing runs, the next call starts it. `backoff`: it failed, and the next call waits a little before it
 * is started again. `broken`: it failed too often in a row; calls fail at once until it is time to try again.
 */
export type ServerState = 'idle' | 'connecting' | 'ready' | 'backoff' | 'broken' | 'closed';

export interface RestartPolicy {
  /** Before the second try in a row; doubled for each one more, and cut by up to a half at random. Default 250. */
  readonly delayMs?: number;
  /** Longest such delay. Default 30,000. */
  readonly maxDelayMs?: number;
  /** So many failures in a row break the circuit. Default 5. */
  readonly failures?: number;
  /** How long a broken circuit stays so, until one call tries again. Default 30,000. */
  readonly brokenMs?: number;
  /** A connection that lived so long had not failed. Default 10,000. */
  readonly stableMs?: number;
}

export interface SupervisorOptions {
  readonly name: string;
  readonly restart: RestartPolicy;
  /** Opens a new connection, unless `signal` is aborted; tells `closed` when it breaks. */
  open(closed: (error: McpError) => void, signal: AbortSignal): Promise<Connection>;
  changed(state: ServerState, error: McpError | undefined): void;
}

/** Keeps one connection: opened for the first who asks, and anew, from nothing, after it broke. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #restart: Required<RestartPolicy>;
  #state: ServerState = 'idle';
  #current: Connection | undefined;
  #opening: Promise<Connection> | undefined;
  #failures = 0;
  #notBeforeMs = 0;
  #lastError: McpError | undefined;
  #cutShort: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  /** Ends what is being opened: it may wait for a person. */
  readonly #abort = new AbortController();
  /** What broke is still being ended. */
  readonly #endings = new Set<Promise<void>>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { delayMs = 250, maxDelayMs = 30_000, failures = 5 } = options.restart;
    const { brokenMs = 30_000, stableMs = 10_000 } = options.restart;
    this.#restart = { delayMs, maxDelayMs, failures, brokenMs, stableMs };
  }

  get state(): ServerState {
    return this.#state;
  }

  #isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** The live connection, if there is one. */
  get current(): Connection | undefined {
    return this.#current;
  }

  /** The live connection, or a new one. All who ask meanwhile get the same. */
  async acquire(signal?: AbortSignal): Promise<Connection> {
    if (this.#current !== undefined) return this.#current;
    if (this.#isClosing()) throw this.#closedError();
    const now = performance.now();
    if (this.#state === 'broken' && now < this.#notBeforeMs) throw this.#brokenError(now);
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    if (signal === undefined) return this.#opening;
    return unlessAborted(
      this.#opening,
      signal,
      `The call of ${this.#options.name}, not ready yet,`,
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #open(): Promise<Connection> {
    const waitMs = this.#notBeforeMs - performance.now();
    if (waitMs > 0 && this.#state === 'backoff') await this.#pause(waitMs);
    if (this.#isClosing()) throw this.#closedError();
    this.#become('connecting');
    let startedMs = 0;
    let connection: Connection | undefined;
    const early: McpError[] = [];
    try {
      connection = await this.#options.open((error) => {
        if (connection === undefined) early.push(error);
        else this.#broke(connection, error, startedMs);
      }, this.#abort.signal);
      startedMs = performance.now();
      for (const error of early) {
        await connection.close(error);
        throw error;
      }
    } catch (error) {
      if (this.#isClosing()) throw this.#closedError();
      const known = McpError.isInstance(error)
        ? error
        : new McpError('ORCH_MCP_START', `${this.#options.name} could not be connected.`, {
            cause: error,
          });
      this.#failed(known);
      throw known;
    }
    if (this.#isClosing()) {
      const error = this.#closedError();
      await connection.close(error);
      throw error;
    }
    this.#current = connection;
    this.#become('ready');
    return connection;
  }

  #broke(connection: Connection, error: McpError, startedMs: number): void {
    const ending = connection.close(error).catch(() => undefined);
    this.#endings.add(ending);
    void ending.then(() => this.#endings.delete(ending));
    if (this.#current !== connection) return;
    this.#current = undefined;
    if (this.#isClosing()) return;
    const lived = performance.now() - startedMs;
    // A session that a server forgot is begun anew at once: it says nothing against the server.
    if (lived >= this.#restart.stableMs || error.code === 'ORCH_MCP_SESSION') {
      this.#failures = 0;
      this.#become('idle', error);
    } else this.#failed(error);
  }

  #failed(error: McpError): void {
    if (this.#isClosing()) return;
    this.#failures += 1;
    this.#lastError = error;
    const { delayMs, maxDelayMs, failures, brokenMs } = this.#restart;
    if (this.#failures >= failures) {
      this.#notBeforeMs = performance.now() + brokenMs;
      this.#become('broken', error);
      return;
    }
    const delay = Math.min(maxDelayMs, delayMs * 2 ** (this.#failures - 1));
    this.#notBeforeMs = performance.now() + delay * (0.5 + Math.random() / 2);
    this.#become('backoff', error);
  }

  #become(state: ServerState, error?: McpError): void {
    this.#state = state;
    this.#options.changed(state, error);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#cutShort = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #end(): Promise<void> {
    const connection = this.#current;
    this.#current = undefined;
    this.#cutShort?.();
    this.#abort.abort();
    this.#become('closed');
    await this.#opening?.catch(() => undefined);
    await connection?.close(this.#closedError());
    await Promise.all(this.#endings);
  }

  #closedError(): McpError {
    return new McpError(
      'ORCH_MCP_CLOSED',
      `${this.#options.name} was closed by its user. Create another to call it again.`,
    );
  }

  #brokenError(now: number): McpError {
    const leftMs = Math.ceil(this.#notBeforeMs - now);
    const cause = this.#lastError;
    return new McpError(
      'ORCH_MCP_CIRCUIT',
      `${this.#options.name} failed ${this.#failures} times in a row and is not tried again for ${leftMs} ms. Its last failure: ${cause?.message ?? 'unknown'}`,
      { details: { failures: this.#failures, retryAt: new Date(Date.now() + leftMs) }, cause },
    );
  }
}
