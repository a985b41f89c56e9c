import type { Document } from './document.js';
import { isList, isObject, ownValue, type Json, type JsonObject } from './json.js';
import type { SettingPath } from './setting-path.js';

/**
 * Which document each part of a merged value came from: one document for all of it, or one for each key, or
 * one for each item of a list with the item's place in that document.
 */
export type Origins = Document | ObjectOrigins | ListOrigins;

interface ObjectOrigins {
  readonly entries: Map<string, Origins>;
}

interface ListOrigins {
  readonly items: readonly ItemOrigin[];
}

export interface ItemOrigin {
  readonly document: Document;
  readonly index: number;
}

export interface Merged {
  readonly value: Json;
  readonly origins: Origins;
}

/** How settings are laid over each other. */
export interface MergeRules {
  /** Items that are objects: the same if they hold the same, or each one of its own. */
  readonly sameItems: 'equal' | 'scalars';
  /** Objects that are replaced whole, by path. */
  readonly whole: WholePaths | undefined;
}

/** Steps of paths; `*` stands for every key. */
export interface WholePaths {
  readonly [step: string]: WholePaths | true;
}

export interface Merger {
  /** Undefined: there is no document. */
  readonly merge: (documents: readonly Document[]) => Merged | undefined;
  /** Lays one more value over what is there. */
  readonly over: (base: Merged, value: Json, document: Document, whole?: WholePaths) => Merged;
}

/**
 * Lays documents over each other, low to high: what is no object and no list is replaced, objects are merged
 * key by key, lists are joined, low first, and an item that is there already is left out.
 */
export function createMerger({ sameItems, whole: wholePaths }: MergeRules): Merger {
  const identify = sameItems === 'equal' ? identityOf : (item: Json): Json => item;

  function over(base: Merged, value: Json, document: Document, whole?: WholePaths): Merged {
    if (isObject(base.value) && isObject(value)) {
      return mergeObjects(base, base.value, value, document, whole);
    }
    if (isList(base.value) && isList(value)) return joinLists(base, base.value, value, document);
    return { value, origins: document };
  }

  function mergeObjects(
    { origins }: Merged,
    low: JsonObject,
    high: JsonObject,
    document: Document,
    whole: WholePaths | undefined,
  ): Merged {
    const value: Record<string, Json> = { ...low };
    const entries =
      'entries' in origins
        ? origins.entries
        : new Map(Object.keys(low).map((key) => [key, origins] as const));
    for (const key in high) {
      const upper = high[key] as Json;
      const lower = ownValue(low, key);
      const inner = whole && (Object.hasOwn(whole, key) ? whole[key] : whole['*']);
      const merged: Merged =
        lower === undefined || inner === true
          ? { value: upper, origins: document }
          : over({ value: lower, origins: entries.get(key) ?? origins }, upper, document, inner);
      value[key] = merged.value;
      entries.set(key, merged.origins);
    }
    return { value, origins: { entries } };
  }

  function joinLists(
    base: Merged,
    low: readonly Json[],
    high: readonly Json[],
    document: Document,
  ): Merged {
    const seen = new Set<Json>();
    const value: Json[] = [];
    const items: ItemOrigin[] = [];
    const add = (item: Json, origin: ItemOrigin): void => {
      const identity = identify(item);
      if (seen.has(identity)) return;
      seen.add(identity);
      value.push(item);
      items.push(origin);
    };
    const origins = itemOrigins(base.origins, low.length);
    low.forEach((item, index) => add(item, origins[index] as ItemOrigin));
    high.forEach((item, index) => add(item, { document, index }));
    return { value, origins: { items } };
  }

  function merge(documents: readonly Document[]): Merged | undefined {
    let merged: Merged | undefined;
    for (const document of documents) {
      merged = merged
        ? over(merged, document.value, document, wholePaths)
        : { value: document.value, origins: document };
    }
    return merged;
  }

  return { merge, over };
}

/** Equal for items that are the same, whatever the order of their keys. */
export function identityOf(item: Json): Json {
  return typeof item === 'object' && item !== null ? `\0${canonical(item)}` : item;
}

function canonical(value: Json): string {
  if (isList(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] as Json)}`).join(',')}}`;
}

function itemOrigins(origins: Origins, length: number): readonly ItemOrigin[] {
  if ('items' in origins) return origins.items;
  if ('entries' in origins) throw new Error('A list cannot have the origins of an object.');
  return Array.from({ length }, (_, index) => ({ document: origins, index }));
}

/** The document that a part of a merged value came from, and the path of that part there. */
export function trace(
  origins: Origins,
  path: SettingPath,
): { readonly document: Document; readonly path: SettingPath } | undefined {
  let at: Origins = origins;
  for (const [depth, step] of path.entries()) {
    if ('entries' in at) {
      const inner: Origins | undefined = at.entries.get(String(step));
      if (inner === undefined) return undefined;
      at = inner;
    } else if ('items' in at) {
      const item = at.items[Number(step)];
      if (item === undefined) return undefined;
      const inside = [...path.slice(0, depth), item.index, ...path.slice(depth + 1)];
      return { document: item.document, path: inside };
    } else break;
  }
  return 'entries' in at || 'items' in at ? undefined : { document: at, path };
}

/** Takes items out of a merged list. The rest keeps its origins. */
export function dropItems(
  merged: Merged,
  path: SettingPath,
  unwanted: (item: Json) => boolean,
): Merged {
  const [step, ...rest] = path;
  if (step === undefined) {
    if (!isList(merged.value)) return merged;
    const origins = itemOrigins(merged.origins, merged.value.length);
    const kept = [...merged.value.entries()].filter(([, item]) => !unwanted(item));
    return {
      value: kept.map(([, item]) => item),
      origins: { items: kept.map(([index]) => origins[index] as ItemOrigin) },
    };
  }
  const { value, origins } = merged;
  const lower = isObject(value) ? ownValue(value, String(step)) : undefined;
  if (!isObject(value) || lower === undefined || 'items' in origins) return merged;
  const entries = new Map(
    'entries' in origins
      ? origins.entries
      : Object.keys(value).map((key) => [key, origins] as const),
  );
  const inner = entries.get(String(step)) ?? origins;
  const less = dropItems({ value: lower, origins: inner }, rest, unwanted);
  entries.set(String(step), less.origins);
  return { value: { ...value, [step]: less.value }, origins: { entries } };
}
