import { isJsonObject, type Json } from '../json.js';
import type { Trust } from '../serving/service.js';

/** What was written under a key. Immutable; whatever changes is another. */
export interface MemoryEntry {
  readonly id: string;
  readonly key: string;
  readonly value: Json;
  readonly trust: Trust;
  /** Who wrote it. */
  readonly by: string;
  /** When, in ms since 1970, by the writer's clock. */
  readonly at: number;
}

interface Signed {
  readonly id: string;
  readonly by: string;
  readonly at: number;
  readonly trust: Trust;
}

/** A line of the file. */
export type MemoryRecord = Signed &
  (
    | { readonly kind: 'write'; readonly key: string; readonly value: Json }
    | { readonly kind: 'checkpoint'; readonly name: string }
    | { readonly kind: 'restore'; readonly checkpoint: string }
    /** `by` has read what is not trusted, so what it writes from now on is not either. */
    | { readonly kind: 'tainted' }
  );

const textFields = {
  write: 'key',
  checkpoint: 'name',
  restore: 'checkpoint',
  tainted: 'by',
} as const;

/** Others write into the file too: what is no record is passed over. */
export function readRecord(value: unknown): MemoryRecord | undefined {
  if (!isJsonObject(value)) return undefined;
  const { kind, id, by, at, trust } = value;
  const isSigned = typeof id === 'string' && typeof by === 'string' && typeof at === 'number';
  if (!isSigned || (trust !== 'trusted' && trust !== 'untrusted')) return undefined;
  if (typeof kind !== 'string' || !Object.hasOwn(textFields, kind)) return undefined;
  if (typeof value[textFields[kind as keyof typeof textFields]] !== 'string') return undefined;
  if (kind === 'write' && value['value'] === undefined) return undefined;
  return value as unknown as MemoryRecord;
}

interface Checkpoint {
  readonly by: string;
  readonly latest: ReadonlyMap<string, MemoryEntry>;
  readonly trusted: ReadonlyMap<string, MemoryEntry>;
}

const lowered = (entry: MemoryEntry, trust: Trust): MemoryEntry =>
  trust === 'trusted' ? entry : { ...entry, trust };

/**
 * What all records together say, in the order of the file. Each process that reads the file comes to the same, so
 * checkpoints and restores are records like others, and nothing is ever taken out.
 */
export class MemoryState {
  #latest = new Map<string, MemoryEntry>();
  /** Changed by nobody who is not trusted. */
  #trusted = new Map<string, MemoryEntry>();
  readonly #checkpoints = new Map<string, Checkpoint>();
  readonly #trustOf = new Map<string, Trust>();
  readonly #tainted = new Set<string>();

  apply(record: MemoryRecord): void {
    switch (record.kind) {
      case 'write': {
        const { id, key, value, trust, by, at } = record;
        const entry: MemoryEntry = { id, key, value, trust, by, at };
        this.#latest.set(key, entry);
        if (trust === 'trusted') this.#trusted.set(key, entry);
        this.#trustOf.set(id, trust);
        return;
      }
      case 'checkpoint':
        // The first of a name stays: nobody slips another state under it.
        if (!this.#checkpoints.has(record.name))
          this.#checkpoints.set(record.name, {
            by: record.id,
            latest: new Map(this.#latest),
            trusted: new Map(this.#trusted),
          });
        return;
      case 'restore': {
        const checkpoint = this.#checkpoints.get(record.checkpoint);
        if (checkpoint === undefined) return;
        // Who is not trusted chooses what comes back, so what comes back is not either.
        this.#latest = new Map(
          [...checkpoint.latest].map(([key, entry]) => [key, lowered(entry, record.trust)]),
        );
        if (record.trust === 'trusted') this.#trusted = new Map(checkpoint.trusted);
        return;
      }
      case 'tainted':
        this.#tainted.add(record.by);
    }
  }

  get(key: string, trustedOnly: boolean): MemoryEntry | undefined {
    return (trustedOnly ? this.#trusted : this.#latest).get(key);
  }

  /** By key. */
  entries(): readonly MemoryEntry[] {
    return [...this.#latest.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** The id of the record that made it; undefined when there is none. */
  checkpointOf(name: string): string | undefined {
    return this.#checkpoints.get(name)?.by;
  }

  /** What is not known is not trusted. */
  trustOf(id: string): Trust {
    return this.#trustOf.get(id) ?? 'untrusted';
  }

  isTainted(by: string): boolean {
    return this.#tainted.has(by);
  }
}
