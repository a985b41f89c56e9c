import type { JsonObject } from './json.js';
import type { Finding, Problem } from './problem.js';
import { formatPath, type SettingPath } from './setting-path.js';
import type { Origin, Tier } from './source.js';

export interface Position {
  /** Counts from 1. */
  readonly line: number;
  /** Counts from 1, in UTF-16 units. */
  readonly column: number;
}

/** Finds where the key or the value of a setting stands; of what is not there, what it would stand in. */
export type Locate = (path: SettingPath, what: 'key' | 'value') => Position | undefined;

/** What one source says. Its value is frozen. */
export interface Document {
  readonly tier: Tier;
  /** The file's path, or the name of a value. */
  readonly source: string;
  readonly value: JsonObject;
  readonly locate: Locate;
}

/** Where a value of a document stands. */
export function originOf(
  { tier, source, locate }: Document,
  path: SettingPath,
  what: 'key' | 'value' = 'value',
): Origin {
  return { tier: tier.name, source, ...locate(path, what) };
}

/** A finding with its place. */
export function problemAt(
  { tier, source }: Pick<Document, 'tier' | 'source'>,
  position: Position | undefined,
  path: SettingPath,
  finding: Finding,
): Problem {
  const { code, message, severity = 'error', expected, received, suggestion } = finding;
  return {
    code,
    severity,
    tier: tier.name,
    source,
    ...position,
    path: formatPath(path),
    message: shorten(message),
    ...(expected === undefined ? {} : { expected: shorten(expected) }),
    ...(received === undefined ? {} : { received: shorten(received) }),
    ...(suggestion === undefined || suggestion.length > maxText ? {} : { suggestion }),
  };
}

/** A problem quotes keys, and a key may be as long as a file. */
const maxText = 500;

const shorten = (text: string): string =>
  text.length > maxText ? `${text.slice(0, maxText)}…` : text;
