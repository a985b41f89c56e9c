import type { Json } from './json.js';

/** How a file is written. */
export type Format = 'json' | 'jsonc' | 'yaml' | 'toml';

/** A level of settings. */
export interface Tier {
  readonly name: string;
  /**
   * What a tier that is not trusted says at a guarded path can narrow, never widen, and its text sees
   * no environment variables but those of `variables`. Default true.
   */
  readonly trusted?: boolean;
  /** Names of environment variables that `${NAME}` may stand for. Default: all if trusted, else none. */
  readonly variables?: readonly string[];
  /** It decides alone where it may close a list (see `closedBy` of a guard). Default false. */
  readonly policy?: boolean;
}

/** The tiers of orch, low to high: a later one wins. */
export const usualTiers: readonly Tier[] = [
  { name: 'defaults' },
  { name: 'user' },
  { name: 'project', trusted: false },
  { name: 'local', trusted: false },
  { name: 'session' },
  { name: 'managed', policy: true },
];

/** One file. Without it there are no settings, and that is no problem. */
export interface FileSource {
  readonly tier: string;
  /** Absolute, or below the working directory. */
  readonly file: string;
  /** Default: what the name ends in; `.json` may have neither comments nor trailing commas. */
  readonly format?: Format;
  /** A directory that the file must lie in once links are followed. */
  readonly within?: string;
}

/** A directory of drop-ins: each `.json`, `.jsonc`, `.yaml`, `.yml` and `.toml` in it, in the order of their names. */
export interface DirectorySource {
  readonly tier: string;
  readonly directory: string;
  /** Endings that count, with their dot. Default: those of all formats. */
  readonly endings?: readonly string[];
}

/** Settings that somebody hands over: defaults, flags, an API. */
export interface ValueSource {
  readonly tier: string;
  readonly value: Json;
  /** What to call it: `command line`. */
  readonly name: string;
}

export type Source = FileSource | DirectorySource | ValueSource;

/** Where a document came from. */
export interface Origin {
  readonly tier: string;
  /** The file's path, or the name of a value. */
  readonly source: string;
  /** Counts from 1; only for files. */
  readonly line?: number;
  /** Counts from 1, in UTF-16 units as editors do; only for files. */
  readonly column?: number;
}
