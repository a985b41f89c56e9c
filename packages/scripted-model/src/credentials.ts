import type { IncomingHttpHeaders } from 'node:http';
import { isObject } from './json.js';
import type { Json } from './json.js';

/** How a request proved who it is. The proof itself is never kept. */
export type AuthKind = 'x-api-key' | 'authorization' | 'x-goog-api-key' | 'none';

// Shorter values are placeholders; replacing them would garble ordinary words.
const SHORTEST_SECRET = 8;

/** What a request carries as credentials, and how to keep them out of anything written down. */
export interface Credentials {
  readonly kind: AuthKind;
  /** The text with the request's credentials replaced. */
  redact(text: string): string;
  /** The same for every string inside a value. */
  redactJson(value: Json): Json;
}

export function readCredentials(headers: IncomingHttpHeaders, url: URL): Credentials {
  const given: Record<Exclude<AuthKind, 'none'>, string | undefined> = {
    'x-api-key': single(headers['x-api-key']),
    authorization: headers.authorization?.replace(/^\w+\s+/, ''),
    'x-goog-api-key': single(headers['x-goog-api-key']) ?? url.searchParams.get('key') ?? undefined,
  };
  const kind = (Object.keys(given) as Exclude<AuthKind, 'none'>[]).find((name) => given[name]);
  const secrets = Object.values(given).filter(
    (value): value is string => value !== undefined && value.length >= SHORTEST_SECRET,
  );
  const redact = (text: string) =>
    secrets.reduce((clean, secret) => clean.replaceAll(secret, '[credential]'), text);
  const redactJson = (value: Json): Json => {
    if (typeof value === 'string') return redact(value);
    if (Array.isArray(value)) return (value as readonly Json[]).map(redactJson);
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [redact(key), redactJson(item)]),
    );
  };
  return { kind: kind ?? 'none', redact, redactJson };
}

/** The path and query of a URL; a key in the query is replaced whatever its length. */
export function loggedUrl(url: URL): string {
  if (!url.searchParams.has('key')) return url.pathname + url.search;
  const search = new URLSearchParams(url.searchParams);
  search.set('key', '[credential]');
  return `${url.pathname}?${search.toString()}`;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
