import type { Json } from './json.js';

/** Replaces known secret values wherever they stand in an event. */
export interface Redaction {
  text(text: string): string;
  value(value: Json): Json;
}

const replacement = '[redacted]';

/** Shorter values would tear ordinary text apart; nobody's key is that short. */
const shortestSecret = 6;

/** How a value looks inside JSON text, and inside JSON text that is itself a string of JSON text. */
function spellings(secret: string): string[] {
  const once = JSON.stringify(secret).slice(1, -1);
  return [secret, once, JSON.stringify(once).slice(1, -1)];
}

/**
 * Replaces each of `secrets`, and each line of one that has several, by `[redacted]`, in every string and
 * every key. Values of fewer than 6 characters are left alone.
 */
export function createRedaction(secrets: Iterable<string>): Redaction {
  const needles = [...secrets]
    .flatMap((secret) => [secret, ...secret.split(/\r?\n/)])
    .map((secret) => secret.trim())
    .filter((secret) => secret.length >= shortestSecret)
    .flatMap(spellings);
  // The longest first, so that no part of a secret is left beside the replacement of another part.
  const ordered = [...new Set(needles)].sort((a, b) => b.length - a.length);
  if (ordered.length === 0) return { text: (text) => text, value: (value) => value };

  const pattern = new RegExp(ordered.map(escapePattern).join('|'), 'g');
  const text = (input: string): string => input.replace(pattern, replacement);

  function value(input: Json): Json {
    if (typeof input === 'string') return text(input);
    if (typeof input !== 'object' || input === null) return input;
    if (Array.isArray(input)) return input.map((item: Json) => value(item));
    return Object.fromEntries(Object.entries(input).map(([key, item]) => [text(key), value(item)]));
  }

  return { text, value };
}

function escapePattern(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
