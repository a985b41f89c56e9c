/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json;
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * More levels than this no answer needs. JSON is read however deep it is, but what walks through a value or writes
 * it down breaks at some thousands of levels.
 */
export const deepest = 1000;

/** Whether a value has more levels than `deepest`. */
export const isTooDeep = (value: Json, room = deepest): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (room === 0 || Object.values(value).some((item: Json) => isTooDeep(item, room - 1)));

/** A field of the object itself; what it inherits (`__proto__`, `constructor`) is no field. */
export const own = (value: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(value, key) ? value[key] : undefined;

/**
 * Parses JSON in which no key can reach a prototype: `__proto__` is dropped wherever it stands, so that
 * no later copy or merge of the value can be poisoned. Throws `SyntaxError`.
 */
export function parseJson(text: string): Json {
  if (!text.includes('__proto__') && !text.includes('\\u')) return JSON.parse(text) as Json;
  return JSON.parse(text, function (this: unknown, key: string, value: unknown) {
    return key === '__proto__' ? undefined : value;
  }) as Json;
}

/** Text that is equal for equal values, whatever the order of their keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isJsonObject(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Control characters, line breaks and direction overrides made harmless, and no longer than `limit`. */
export function excerpt(text: string, limit = 500): string {
  const plain = text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
  return plain.length <= limit ? plain : `${plain.slice(0, limit - 1)}…`;
}
