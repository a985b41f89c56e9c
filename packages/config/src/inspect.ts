import { isObject, type Json } from './json.js';
import type { Finding } from './problem.js';
import type { SettingPath } from './setting-path.js';
import { maxDepth } from './parse/tree.js';

/** Something wrong with a value, and where. */
export interface ValueFault {
  readonly path: SettingPath;
  readonly finding: Finding;
}

/** What one walk over a value finds out. */
export interface Inspection {
  /** Keys of all objects, so that a key that stood twice in a text is missed. */
  readonly keys: number;
  readonly faults: readonly ValueFault[];
}

/** Looks for what no settings may hold, and freezes the value: settings are shared, not copied. */
export function inspect(value: Json): Inspection {
  const faults: ValueFault[] = [];
  const path: (string | number)[] = [];
  let keys = 0;
  function walk(inner: Json): void {
    if (typeof inner === 'number') {
      if (Number.isInteger(inner) && !Number.isSafeInteger(inner)) faults.push(number(path));
      return;
    }
    if (typeof inner !== 'object' || inner === null) return;
    if (path.length > maxDepth) {
      faults.push({ path: path.slice(0, 4), finding: deep });
      return;
    }
    if (isObject(inner)) {
      for (const key in inner) {
        keys += 1;
        path.push(key);
        if (key === '__proto__') faults.push(reserved(path));
        else walk(inner[key] as Json);
        path.pop();
      }
    } else {
      for (const [index, item] of inner.entries()) {
        path.push(index);
        walk(item);
        path.pop();
      }
    }
    Object.freeze(inner);
  }
  walk(value);
  return { keys, faults };
}

const deep: Finding = {
  code: 'ORCH_CONFIG_TOO_DEEP',
  message: `expected at most ${maxDepth} levels of nesting, received more`,
};

const number = (path: SettingPath): ValueFault => ({
  path: [...path],
  finding: {
    code: 'ORCH_CONFIG_VALUE',
    message: 'a whole number beyond 2^53 is not kept exactly; write it as text, in quotes',
  },
});

const reserved = (path: SettingPath): ValueFault => ({
  path: [...path],
  finding: {
    code: 'ORCH_CONFIG_RESERVED_KEY',
    message: 'the key "__proto__" is not allowed; choose another one',
  },
});

/** A copy of a value that somebody hands over, as JSON has it; keys without a value are left out. */
export function copyJson(value: unknown): {
  readonly value: Json;
  readonly faults: readonly ValueFault[];
} {
  const faults: ValueFault[] = [];
  const refuse = (path: SettingPath, message: string): null => {
    faults.push({ path, finding: { code: 'ORCH_CONFIG_VALUE', message } });
    return null;
  };
  function copy(inner: unknown, path: SettingPath): Json {
    if (inner === null || typeof inner === 'boolean' || typeof inner === 'string') return inner;
    if (typeof inner === 'number' && Number.isFinite(inner)) return inner;
    if (typeof inner !== 'object') return refuse(path, `JSON cannot hold ${kindOf(inner)}`);
    if (path.length > maxDepth) {
      faults.push({ path: path.slice(0, 4), finding: deep });
      return null;
    }
    if (Array.isArray(inner)) return inner.map((item, index) => copy(item, [...path, index]));
    const prototype: unknown = Object.getPrototypeOf(inner);
    if (prototype !== null && prototype !== Object.prototype) {
      return refuse(path, 'expected a plain object, received one of a class');
    }
    const entries = Object.entries(inner).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, copy(item, [...path, key])]));
  }
  return { value: copy(value, []), faults };
}

const kindOf = (value: unknown): string =>
  typeof value === 'number' ? 'a number that is not finite' : `a value of type ${typeof value}`;
