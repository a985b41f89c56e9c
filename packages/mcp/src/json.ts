/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A JSON object. A field whose value is undefined is not sent. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Control characters, line breaks and direction overrides made harmless, and no longer than `limit`. */
export function excerpt(text: string, limit = 200): string {
  const plain = text
    .slice(0, 4 * limit)
    .replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();
  return plain.length <= limit ? plain : `${plain.slice(0, limit - 1)}…`;
}

/** Text as it is, and anything else as JSON. */
export const asText = (value: Json | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null);
