import { randomUUID } from 'node:crypto';
import { JsonlError, openWriter, read, type JsonlWriter } from '@orch/jsonl';
import type { Json } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { Caller, Trust } from '../serving/service.js';
import { MemoryState, readRecord, type MemoryEntry, type MemoryRecord } from './memory-state.js';

export interface WriteOptions {
  /** Ids of entries that this one was made of: it is trusted no more than they are. */
  readonly derivedFrom?: readonly string[];
}

export interface ReadOptions {
  /** The newest that is trusted, whatever was written over it. */
  readonly trustedOnly?: boolean;
}

/**
 * What many writers share, in one file. Everything that resolves is on the disk, and seen by all who read after it.
 * Who has read what is not trusted writes from then on what is not trusted. Methods reject with `ORCH_MCP_SPEC` for
 * what they are given, and `ORCH_MCP_MEMORY` for the file.
 */
export interface Memory {
  write(caller: Caller, key: string, value: Json, options?: WriteOptions): Promise<MemoryEntry>;
  /** Undefined when there is none. */
  read(caller: Caller, key: string, options?: ReadOptions): Promise<MemoryEntry | undefined>;
  /** All whose key begins with the prefix, by key. */
  list(caller: Caller, prefix?: string): Promise<readonly MemoryEntry[]>;
  /** All in whose key or value the text stands, whatever its case. */
  search(caller: Caller, text: string): Promise<readonly MemoryEntry[]>;
  /** Gives the state of now a name, which must be new. */
  checkpoint(caller: Caller, name: string): Promise<void>;
  /** Makes the state what it was at a checkpoint. Appends: what was written since stays in the file. */
  restore(caller: Caller, checkpoint: string): Promise<void>;
  close(): Promise<void>;
}

const keyMost = 200;
/** Of a value, as JSON. */
export const valueBytesMost = 64 * 1024;

function refuse(message: string): never {
  throw new McpError('ORCH_MCP_SPEC', message);
}

function checkName(what: string, name: string): void {
  // eslint-disable-next-line no-control-regex -- what would end up in the terminals and prompts of others
  if (name === '' || name.length > keyMost || /[\u0000-\u001f\u007f-\u009f]/.test(name))
    refuse(`A ${what} has 1 to ${keyMost} characters, and no control characters.`);
}

/** Opens a memory, or begins one. Throws `ORCH_MCP_MEMORY`. */
export async function openMemory(path: string): Promise<Memory> {
  const memory = new FileMemory(path);
  await memory.open();
  return memory;
}

class FileMemory implements Memory {
  readonly #path: string;
  readonly #state = new MemoryState();
  #writer: Promise<JsonlWriter<MemoryRecord>> | undefined;
  /** How far the file was read. */
  #readTo = 0;
  #reading: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<void> {
    try {
      await this.#open();
    } catch (cause) {
      throw this.#failed(cause);
    }
    await this.#catchUp();
  }

  async write(
    caller: Caller,
    key: string,
    value: Json,
    { derivedFrom = [] }: WriteOptions = {},
  ): Promise<MemoryEntry> {
    checkName('key', key);
    const bytes = Buffer.byteLength(JSON.stringify(value));
    if (bytes > valueBytesMost)
      refuse(`A value has at most ${valueBytesMost} bytes as JSON; this one has ${bytes}.`);
    await this.#catchUp();
    const isRaised = derivedFrom.some((id) => this.#state.trustOf(id) === 'untrusted');
    const trust: Trust = isRaised ? 'untrusted' : this.#trustOf(caller);
    const record = { kind: 'write', ...this.#sign(caller, trust), key, value } as const;
    await this.#append(record);
    const { id, by, at } = record;
    return { id, key, value, trust, by, at };
  }

  async read(
    caller: Caller,
    key: string,
    { trustedOnly = false }: ReadOptions = {},
  ): Promise<MemoryEntry | undefined> {
    await this.#catchUp();
    const entry = this.#state.get(key, trustedOnly);
    await this.#showing(caller, entry === undefined ? [] : [entry]);
    return entry;
  }

  async list(caller: Caller, prefix = ''): Promise<readonly MemoryEntry[]> {
    await this.#catchUp();
    const entries = this.#state.entries().filter(({ key }) => key.startsWith(prefix));
    await this.#showing(caller, entries);
    return entries;
  }

  async search(caller: Caller, text: string): Promise<readonly MemoryEntry[]> {
    await this.#catchUp();
    const wanted = text.toLowerCase();
    const entries = this.#state
      .entries()
      .filter(({ key, value }) => `${key}\n${plainText(value)}`.toLowerCase().includes(wanted));
    await this.#showing(caller, entries);
    return entries;
  }

  async checkpoint(caller: Caller, name: string): Promise<void> {
    checkName('checkpoint', name);
    await this.#catchUp();
    const record = {
      kind: 'checkpoint',
      ...this.#sign(caller, this.#trustOf(caller)),
      name,
    } as const;
    if (this.#state.checkpointOf(name) === undefined) {
      await this.#append(record);
      await this.#catchUp();
    }
    // Another process may have been first.
    if (this.#state.checkpointOf(name) !== record.id)
      refuse(`There is a checkpoint ${JSON.stringify(name)} already. Give another name.`);
  }

  async restore(caller: Caller, checkpoint: string): Promise<void> {
    await this.#catchUp();
    if (this.#state.checkpointOf(checkpoint) === undefined)
      refuse(`There is no checkpoint ${JSON.stringify(checkpoint.slice(0, keyMost))}.`);
    const trust = this.#trustOf(caller);
    await this.#append({ kind: 'restore', ...this.#sign(caller, trust), checkpoint });
  }

  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = Promise.reject(new McpError('ORCH_MCP_CLOSED', 'The memory was closed.'));
    this.#writer.catch(() => undefined);
    await (await writer?.catch(() => undefined))?.close();
  }

  #trustOf({ attempt, trust }: Caller): Trust {
    return this.#state.isTainted(attempt) ? 'untrusted' : trust;
  }

  #sign({ attempt }: Caller, trust: Trust) {
    return { id: randomUUID(), by: attempt, at: Date.now(), trust };
  }

  /** That somebody reads what is not trusted is on the disk before he sees it. */
  async #showing(caller: Caller, entries: readonly MemoryEntry[]): Promise<void> {
    if (caller.trust === 'untrusted' || this.#state.isTainted(caller.attempt)) return;
    if (entries.every(({ trust }) => trust === 'trusted')) return;
    await this.#append({ kind: 'tainted', ...this.#sign(caller, 'untrusted') });
    await this.#catchUp();
  }

  #open(): Promise<JsonlWriter<MemoryRecord>> {
    this.#writer ??= openWriter<MemoryRecord>(this.#path, {
      access: 'shared',
      durability: 'batch',
    });
    return this.#writer;
  }

  async #append(record: MemoryRecord): Promise<void> {
    const opening = this.#open();
    try {
      await (await opening).append(record);
    } catch (cause) {
      if (McpError.isInstance(cause)) throw cause;
      // A writer that failed takes nothing more; the next call opens another.
      if (this.#writer === opening) this.#writer = undefined;
      await opening.then((writer) => writer.close()).catch(() => undefined);
      throw this.#failed(cause);
    }
  }

  /** Reads what was added, by whomever. One after the other, so that nothing is applied twice. */
  #catchUp(): Promise<void> {
    const next = this.#reading.then(() => this.#readOn());
    this.#reading = next.catch(() => undefined);
    return next;
  }

  async #readOn(): Promise<void> {
    try {
      // A torn line of a writer that was killed is passed over; one that is being written is read next time.
      const added = read(this.#path, { from: this.#readTo, live: true, compression: 'none' });
      for await (const { value, byteEnd } of added.entries()) {
        this.#readTo = byteEnd;
        const record = readRecord(value);
        if (record !== undefined) this.#state.apply(record);
      }
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #failed(cause: unknown): McpError {
    const why = JsonlError.isInstance(cause) ? cause.message : 'see the cause';
    return new McpError(
      'ORCH_MCP_MEMORY',
      `The memory ${this.#path} could not be read or written: ${why}. Nothing of this call is certain; see to the file, and repeat.`,
      { cause },
    );
  }
}

/** As a person would read it: words that stand in quotes and escapes are found as they are said. */
function plainText(value: Json): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, one]) => `${key} ${plainText(one ?? null)}`)
    .join('\n');
}
