import { createHash } from 'node:crypto';
import type { Json } from '../json.js';
import { canonicalJson } from './canonical-json.js';
import type { TaskNode } from './graph.js';
import type { Scope } from './reference.js';
import { resolveTemplate } from './resolve.js';

/** One item of a fan-out. */
export interface FanOutItem {
  /** The item's identity as people read it. */
  readonly key: string;
  /** `<task>-<8 hex of the key's value>`: the same wherever the item stands in the list. */
  readonly id: string;
  /** `<task>[<key>]`. */
  readonly label: string;
  readonly value: Json;
}

/** Longest key that is shown as it is. */
const MAX_KEY_LENGTH = 60;

/**
 * The items of a `foreach` or `matrix` task, in list order. Reordering the list changes no id. An
 * empty list gives no items. `problem`: two items with one identity, or more than `max`.
 */
export function expandItems(
  node: Pick<TaskNode, 'id' | 'fanOut'>,
  values: readonly Json[],
  scope: Scope,
): { readonly items: readonly FanOutItem[] } | { readonly problem: string } {
  const fanOut = node.fanOut;
  if (fanOut?.kind !== 'foreach') return { problem: `${node.id} is no fan-out over a list` };
  if (fanOut.max !== undefined && values.length > fanOut.max) {
    return { problem: `its list has ${values.length} items, more than max: ${fanOut.max}` };
  }
  const seen = new Map<string, number>();
  const items: FanOutItem[] = [];
  for (const [index, value] of values.entries()) {
    const item = { name: fanOut.as, value };
    const itemScope = { ...scope, item, ...(fanOut.as === 'matrix' ? { matrix: value } : {}) };
    const keyValue = fanOut.key ? resolveTemplate(fanOut.key, itemScope) : value;
    if (fanOut.key && keyValue === null) {
      return { problem: `item ${index + 1} of its list has no key` };
    }
    const suffix = identityOf(keyValue);
    const key = keyText(keyValue, suffix, fanOut.as === 'matrix');
    const first = seen.get(suffix);
    if (first !== undefined) {
      return {
        problem: `items ${first + 1} and ${index + 1} of its list have the same key: ${key}`,
      };
    }
    seen.set(suffix, index);
    items.push({ key, id: `${node.id}-${suffix}`, label: `${node.id}[${key}]`, value });
  }
  return { items };
}

/** First 8 hex digits of sha256 of the canonical JSON. */
function identityOf(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 8);
}

/** Keys may come from outside: nothing in them may break a line or reach a terminal as control. */
function keyText(value: Json, suffix: string, isMatrix: boolean): string {
  const text =
    typeof value === 'string'
      ? value
      : isMatrix && typeof value === 'object' && value !== null
        ? Object.values(value)
            .map((part) => keyText(part, suffix, false))
            .join(',')
        : canonicalJson(value);
  const clean = text.replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/gu, '\uFFFD');
  return clean === '' || clean.length > MAX_KEY_LENGTH ? suffix : clean;
}
