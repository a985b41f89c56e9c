import { expandText, type ExpansionFault, type Lookup } from './expand.js';
import { isList, isObject, type Json, type JsonObject } from './json.js';
import type { SettingPath } from './setting-path.js';

/** Longest text of one document once its variables are filled in. */
const maxExpanded = 1024 * 1024;

/** Fills variables into every text of a value; keys stay as they are, and what stands under a key of `literal`. What has none is not copied. */
export function expandDocument(
  value: JsonObject,
  { lookup, literal }: { readonly lookup: Lookup; readonly literal?: ReadonlySet<string> },
  onFault: (path: SettingPath, fault: ExpansionFault) => void,
): JsonObject {
  const path: (string | number)[] = [];
  let room = maxExpanded;

  function expand(inner: Json): Json {
    if (typeof inner === 'string') return inner.includes('${') ? fill(inner) : inner;
    if (isList(inner)) {
      return changed(
        inner,
        inner.map((item, index) => within(index, item)),
      );
    }
    if (!isObject(inner)) return inner;
    const keys = Object.keys(inner);
    const values = keys.map((key) => within(key, inner[key] as Json));
    if (keys.every((key, index) => inner[key] === values[index])) return inner;
    return Object.freeze(
      Object.fromEntries(keys.map((key, index) => [key, values[index] as Json])),
    );
  }

  function within(step: string | number, item: Json): Json {
    if (path.length === 0 && literal?.has(String(step))) return item;
    path.push(step);
    const result = expand(item);
    path.pop();
    return result;
  }

  function fill(text: string): string {
    const { text: filled, faults } = expandText(text, lookup, Math.max(room, 0));
    room -= filled.length;
    for (const fault of faults) onFault([...path], fault);
    return filled;
  }

  return expand(value) as JsonObject;
}

const changed = (list: readonly Json[], copy: readonly Json[]): readonly Json[] =>
  list.every((item, index) => item === copy[index]) ? list : Object.freeze(copy);
