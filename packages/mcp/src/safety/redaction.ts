import { isJsonObject, type Json } from '../json.js';
import { McpError } from '../mcp-error.js';

/** What is shorter is too likely a word like any other. */
const shortest = 6;
/** Of what is added later. The oldest are forgotten: a server whose tokens are renewed has many, and the newest hold. */
const most = 1000;

/** Replaces a server's secrets in what is said of it. */
export interface Redactor {
  /** More values that must not be seen; the last 1000 of them, with their words, are known. */
  readonly add: (values: Iterable<string>) => void;
  /** Told each value that is added from now on. */
  readonly onAdded: (listener: (value: string) => void) => void;
  readonly text: (text: string) => string;
  readonly json: (value: Json) => Json;
  /** The same error; its message, stack, details and causes no longer hold secrets. */
  readonly error: <T>(error: T) => T;
}

const mark = '[redacted]';

/**
 * Knows values as they are, in JSON and in addresses, each word of them, and of `Bearer abc` only `abc`. Also a part of a value at
 * the beginning or the end of a text, where something was cut off. Values of fewer than 6 characters are not known.
 */
export function createRedactor(values: Iterable<string>): Redactor {
  /** What it was made with holds for as long as it does. */
  const own = new Set<string>();
  const added = new Set<string>();
  let pattern: RegExp | undefined;
  let sorted: string[] = [];
  const done = new WeakSet<object>();
  const listeners: ((value: string) => void)[] = [];

  function learn(given: string, known: Set<string>): void {
    // Who demands a token names the scheme, which is no secret.
    const value = given.replace(/^(?:basic|bearer|dpop|token)\s+/i, '');
    for (const listener of listeners) listener(value);
    // The whole after its words, so that it is the newest of them.
    for (const one of [...value.split(/\s+/).slice(-most), value]) {
      if (one.length < shortest) continue;
      for (const form of [one, JSON.stringify(one).slice(1, -1), encodeURIComponent(one)]) {
        known.delete(form);
        known.add(form);
      }
    }
  }

  function add(more: Iterable<string>): void {
    for (const given of more) learn(given, added);
    for (const oldest of added) {
      if (added.size <= most) break;
      added.delete(oldest);
    }
    prepare();
  }

  function prepare(): void {
    // The longest first: a value may be a part of another.
    sorted = [...new Set([...own, ...added])].sort((a, b) => b.length - a.length);
    pattern =
      sorted.length === 0
        ? undefined
        : new RegExp(
            sorted.map((one) => one.replaceAll(/[$()*+.?[\\\]^{|}/-]/g, '\\$&')).join('|'),
            'g',
          );
  }

  function text(given: string): string {
    if (pattern === undefined) return given;
    return withoutCutParts(given.replaceAll(pattern, mark), sorted);
  }

  function json(value: Json): Json {
    if (pattern === undefined) return value;
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return (value as readonly Json[]).map(json);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [
        text(key),
        one === undefined ? undefined : json(one),
      ]),
    );
  }

  function error<T>(given: T): T {
    if (pattern === undefined || !(given instanceof Error) || done.has(given)) return given;
    if (!McpError.isInstance(given)) return foreign(given) as T & Error;
    done.add(given);
    given.message = text(given.message);
    if (given.stack !== undefined) given.stack = text(given.stack);
    Object.defineProperty(given, 'details', { value: detailsOf(given) });
    if (given.cause !== undefined) given.cause = error(given.cause);
    return given;
  }

  /** Of what is nested deeper than it can be looked through nothing is shown: a secret may be anywhere in it. */
  function detailsOf(given: McpError): McpError['details'] {
    const looked = (value: unknown): unknown => {
      try {
        return details(value);
      } catch {
        return '[nested too deeply to be shown]';
      }
    };
    return Object.fromEntries(
      Object.entries(given.details).map(([key, value]) => [key, looked(value)]),
    );
  }

  /** Another's error stays as it is, if it holds no secret; else its words stand in for it. */
  function foreign(given: Error): Error {
    const { message, stack = '' } = given;
    const cause = error(given.cause);
    if (text(message) === message && text(stack) === stack && cause === given.cause) return given;
    const copy = new Error(text(message), cause === undefined ? undefined : { cause });
    copy.name = given.name;
    copy.stack = text(stack);
    return copy;
  }

  /** Dates and errors in details stay what they are. */
  function details(value: unknown): unknown {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(details);
    if (value instanceof Error) return error(value);
    if (!isJsonObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, details(one)]));
  }

  for (const given of values) learn(given, own);
  prepare();
  const onAdded = (listener: (value: string) => void): void => void listeners.push(listener);
  return { add, onAdded, text, json, error };
}

/** What stands after a text that was cut off. */
const cutMark = /[….\s]/;

function withoutCutParts(text: string, values: readonly string[]): string {
  let result = text;
  let end = result.length;
  // By hand: an expression that ends in `*$` begins anew at each of a million spaces.
  while (end > 0 && cutMark.test(result.charAt(end - 1))) end -= 1;
  const ending = result.slice(end);
  const body = result.slice(0, end);
  for (const value of values)
    for (let length = Math.min(value.length - 1, body.length); length >= shortest; length -= 1)
      if (body.endsWith(value.slice(0, length))) {
        result = `${body.slice(0, -length)}${mark}${ending}`;
        return beginning(result, values);
      }
  return beginning(result, values);
}

function beginning(text: string, values: readonly string[]): string {
  for (const value of values)
    for (let length = Math.min(value.length - 1, text.length); length >= shortest; length -= 1)
      if (text.startsWith(value.slice(-length))) return `${mark}${text.slice(length)}`;
  return text;
}
