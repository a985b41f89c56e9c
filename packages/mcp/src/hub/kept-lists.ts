import { excerpt, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { unlessAborted } from '../on-abort.js';
import type { RunningOptions } from '../protocol/peer.js';
import type { DefinitionGuard } from '../safety/guard.js';
import type { Redactor } from '../safety/redaction.js';
import type { Requests } from '../session/session.js';
import type { Connection } from './connection.js';
import {
  listAll,
  listKinds,
  templateList,
  toolList,
  type ListKind,
  type Tool,
} from './definitions.js';
import type { ListOptions } from './mcp-server.js';
import { unlessLate } from './patience.js';
import { mostTurns, type ServerRequests } from './requests.js';

export interface KeptListsOptions {
  readonly name: string;
  readonly requests: ServerRequests;
  readonly guard: DefinitionGuard;
  readonly redactor: Redactor;
  /** Of who reads a list, unless they say otherwise. */
  readonly timeoutMs: number;
  readonly totalMs: number;
}

/** A list that is being read, or was. */
interface Reading {
  readonly items: Promise<readonly JsonObject[]>;
  /** Its longest silence, by who began it. */
  readonly timeoutMs: number;
  readonly hearing: Hearing;
}

/** When the server was heard last; undefined while nothing is asked of it. */
interface Hearing {
  lastMs: number | undefined;
  isOver: boolean;
}

/** What one server lists, kept until it may have changed; each is judged before anybody sees it. */
export class KeptLists {
  readonly #options: KeptListsOptions;
  readonly #lists = new Map<ListKind, Reading>();
  /** On the monotonic clock, where the server said so. */
  readonly #keptUntilMs = new Map<ListKind, number>();
  /** By what the tools say of themselves. */
  #repeatable: ReadonlySet<string> = new Set();
  #tools: ReadonlyMap<string, Tool> = new Map();
  /** Rises by capability whenever what is known of its lists no longer holds. */
  readonly #generations = new Map<string, number>();
  /** The generation of each list that was judged last. */
  readonly #judgedAt = new Map<ListKind, number>();
  #isLooking = false;

  constructor(options: KeptListsOptions) {
    this.#options = options;
  }

  /** What was judged last is what the server has now, as far as it said. */
  isJudged(kind: ListKind): boolean {
    return this.#judgedAt.get(kind) === this.#generationOf(kind.capability);
  }

  /** The same, and it may still be kept. */
  isKnown(kind: ListKind): boolean {
    return this.isJudged(kind) && !this.#isStale(kind);
  }

  /** A tool as it said of itself. */
  tool(name: string): Tool | undefined {
    return this.#tools.get(name);
  }

  /** A tool says of itself that it may be called twice. */
  isRepeatable(tool: string): boolean {
    return this.#repeatable.has(tool);
  }

  async list<T extends JsonObject>(
    kind: ListKind,
    { refresh = false, signal, ...options }: ListOptions & RunningOptions = {},
  ): Promise<readonly T[]> {
    if (refresh || this.#isStale(kind)) this.#lists.delete(kind);
    const { name: server } = this.#options;
    const { startedMs = performance.now() } = options;
    const { timeoutMs = this.#options.timeoutMs, totalMs = this.#options.totalMs } = options;
    for (;;) {
      // Who waits for the same list shares it, so that nobody's signal or time ends it for the others.
      const shared = this.#lists.get(kind);
      const reading = shared ?? this.#begin(kind, { ...options, startedMs, totalMs });
      if (reading.hearing.isOver) return (await reading.items) as readonly T[];
      const what = `Listing ${kind.items} of ${server}`;
      const { items, hearing } = reading;
      const waiting = signal === undefined ? items : unlessAborted(items, signal, what);
      try {
        return (await unlessLate(waiting, {
          ...{ server, method: kind.method, startedMs, totalMs },
          // Its own silence ends the reading itself.
          ...(timeoutMs < reading.timeoutMs && { timeoutMs, heardMs: () => hearing.lastMs }),
        })) as readonly T[];
      } catch (error) {
        if (shared === undefined || !isSooner(error, { silence: timeoutMs, total: totalMs }))
          throw error;
      }
    }
  }

  #begin(kind: ListKind, options: RunningOptions): Reading {
    const hearing: Hearing = { lastMs: undefined, isOver: false };
    const items = this.#read(kind, options, hearing);
    const { timeoutMs = this.#options.timeoutMs } = options;
    const reading: Reading = { items, timeoutMs, hearing };
    this.#lists.set(kind, reading);
    items
      .catch(() => {
        if (this.#lists.get(kind) === reading) this.#lists.delete(kind);
      })
      .finally(() => (hearing.isOver = true));
    return reading;
  }

  /** Reads the list of tools before it is asked for, so that a change is told when it happens. */
  lookSoon(): void {
    if (!this.#options.guard.asksFirst || this.#isLooking) return;
    this.#isLooking = true;
    this.list(toolList)
      .catch(() => undefined) // whoever calls a tool reads it again, and is told
      .finally(() => (this.#isLooking = false));
  }

  /** The server says that its lists of a capability are others now. */
  changed(capability: string): void {
    for (const kind of [...this.#lists.keys()])
      if (kind.capability === capability) this.#lists.delete(kind);
    this.#generations.set(capability, this.#generationOf(capability) + 1);
  }

  /** The server is another, or may have said unheard that its lists are. */
  forget(): void {
    for (const { capability } of listKinds)
      this.#generations.set(capability, this.#generationOf(capability) + 1);
    this.#lists.clear();
    this.#repeatable = new Set();
  }

  async #read(
    kind: ListKind,
    options: RunningOptions,
    hearing: Hearing,
  ): Promise<readonly JsonObject[]> {
    const { requests, redactor } = this.#options;
    this.#keptUntilMs.delete(kind);
    for (let attempt = 1, stale = 0; stale < mostTurns;) {
      hearing.lastMs = undefined;
      const connection = await requests.acquire();
      hearing.lastMs = performance.now();
      const generation = this.#generationOf(kind.capability);
      let items: readonly JsonObject[] = [];
      try {
        if (connection.handshake.capabilities[kind.capability] !== undefined)
          items = await this.#readFrom(connection, kind, options, hearing);
      } catch (error) {
        // A server need not offer templates because it offers resources.
        if (kind !== templateList || !isMethodNotFound(error)) {
          if (attempt > 1 || !requests.mayRepeat(error)) throw redactor.error(error);
          attempt += 1;
          continue;
        }
      }
      if (generation === this.#generationOf(kind.capability))
        return this.#take(kind, items, generation);
      // It was changed while it was read.
      stale += 1;
    }
    throw requests.restless();
  }

  async #readFrom(
    { session }: Connection,
    kind: ListKind,
    options: RunningOptions,
    hearing: Hearing,
  ): Promise<readonly JsonObject[]> {
    const heard = (): void => void (hearing.lastMs = performance.now());
    const listening: RunningOptions = {
      ...options,
      onProgress(progress) {
        heard();
        options.onProgress?.(progress);
      },
    };
    const pages: Requests = {
      async request(method, params, running) {
        const page = await session.request(method, params, running);
        heard();
        return page;
      },
    };
    const { items, ttlMs } = await listAll(pages, this.#options.name, kind, listening);
    this.#keptUntilMs.set(kind, performance.now() + ttlMs);
    return items;
  }

  #isStale(kind: ListKind): boolean {
    return performance.now() > (this.#keptUntilMs.get(kind) ?? Infinity);
  }

  #generationOf(capability: string): number {
    return this.#generations.get(capability) ?? 0;
  }

  #take(kind: ListKind, items: readonly JsonObject[], generation: number): readonly JsonObject[] {
    try {
      this.#options.guard.take(kind.part, items);
    } catch (cause) {
      throw McpError.isInstance(cause) ? cause : this.#unjudged(kind, cause);
    }
    this.#judgedAt.set(kind, generation);
    if (kind === toolList) {
      const tools = items as readonly Tool[];
      this.#repeatable = repeatable(tools);
      this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
    }
    return items;
  }

  #unjudged(kind: ListKind, cause: unknown): McpError {
    const why = excerpt(cause instanceof Error ? cause.message : String(cause));
    return new McpError(
      'ORCH_MCP_RESULT',
      `The ${kind.items} of ${this.#options.name} cannot be compared with what is pinned (${why}), so none of them is shown or used. What is nested thousands of levels deep is a defect of the server.`,
      { cause },
    );
  }
}

/** It was given up by somebody whose time was shorter than this. */
const isSooner = (error: unknown, times: Readonly<Record<'silence' | 'total', number>>): boolean =>
  McpError.isInstance(error) &&
  error.code === 'ORCH_MCP_TIMEOUT' &&
  (error.details['ms'] as number) < times[error.details['limit'] as keyof typeof times];

const isMethodNotFound = (error: unknown): boolean =>
  McpError.isInstance(error) && error.details['rpcCode'] === -32_601;

const repeatable = (tools: readonly Tool[]): ReadonlySet<string> =>
  new Set(
    tools
      .filter(
        ({ annotations }) =>
          annotations?.readOnlyHint === true || annotations?.idempotentHint === true,
      )
      .map(({ name }) => name),
  );
