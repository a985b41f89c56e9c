import { ConfigError } from './config-error.js';
import { originOf, type Document } from './document.js';
import type { Refusal } from './guard.js';
import { isList, isObject, type Json } from './json.js';
import { trace, type Merged } from './merge.js';
import { formatProblem, type Problem } from './problem.js';
import type { Redactor } from './redact.js';
import { formatPath, parsePath, valueAt, type SettingPath } from './setting-path.js';
import type { Origin } from './source.js';

/** A value that is no object and no list with something in it, and who set it. */
export interface Leaf {
  readonly path: string;
  /** As it may be shown: secrets are redacted. */
  readonly value: Json;
  readonly origin: Origin;
}

/** What one source says about a setting. */
export interface Contribution {
  readonly origin: Origin;
  /** As it may be shown. */
  readonly value: Json;
  /**
   * `wins`: this is the value · `joins`: part of it, beside others · `loses`: a later source replaced it ·
   * `refused`: its tier may not say this · `denied`: it is forbidden somewhere.
   */
  readonly outcome: 'wins' | 'joins' | 'loses' | 'refused' | 'denied';
  /** Why it does not count. */
  readonly reason?: string;
}

export interface Explanation {
  readonly path: string;
  /** What counts, as it may be shown; undefined: nobody set it. */
  readonly value: Json | undefined;
  readonly description?: string;
  /** High to low: who set it, then who lost. */
  readonly contributions: readonly Contribution[];
}

/** What somebody allowed and somebody else forbade. */
export interface Denied {
  readonly path: SettingPath;
  readonly value: Json;
  readonly by: Origin;
}

/** Settings as they were at one moment. */
export interface Loaded<T> {
  /** What the schema made of them; undefined when anything is wrong. Not redacted. */
  readonly value: T | undefined;
  /** What all tiers say together, before the schema; there even when it is wrong. Not redacted. */
  readonly merged: Json;
  /** Errors and warnings, by tier from low to high, then by place. */
  readonly problems: readonly Problem[];
  /** The value. Throws `ORCH_CONFIG_INVALID` with every error when there is none. */
  require(): T;
  /** Who set a value; of a list or object of several, the highest of them. Undefined: nobody. */
  origin(path: string): Origin | undefined;
  /** Whether every part of what counts at a path was set by tiers that are trusted. */
  trusts(path: string): boolean;
  /** Every leaf with its origin, in the order of the merged settings. */
  leaves(): readonly Leaf[];
  /** Who set a value, who lost, who was refused. Throws `ORCH_CONFIG_PATH`. */
  explain(path: string): Explanation;
  /** A text without the secrets that these settings, and the environment, hold. */
  redact(text: string): string;
}

export interface LoadedParts<T> {
  readonly value: T | undefined;
  readonly merged: Merged | undefined;
  readonly problems: readonly Problem[];
  /** Low to high, as the files say it. */
  readonly documents: readonly Document[];
  readonly refusals: readonly Refusal[];
  readonly denied: readonly Denied[];
  readonly redactor: () => Redactor;
  readonly describe: (path: SettingPath) => string | undefined;
}

export function createLoaded<T>(parts: LoadedParts<T>): Loaded<T> {
  const { value, merged, problems, documents, redactor } = parts;

  function tracePath(path: SettingPath): Origin | undefined {
    if (merged === undefined || valueAt(merged.value, path) === undefined) return undefined;
    const traced = trace(merged.origins, path);
    if (traced) return originOf(traced.document, traced.path);
    const highest = documents.findLast((document) => valueAt(document.value, path) !== undefined);
    return highest && originOf(highest, path);
  }

  return {
    value,
    merged: merged?.value ?? {},
    problems,
    require() {
      const errors = problems.filter(({ severity }) => severity === 'error');
      if (errors.length === 0) return value as T;
      const lines = errors.map(formatProblem);
      throw new ConfigError('ORCH_CONFIG_INVALID', `Settings are wrong:\n${lines.join('\n')}`, {
        details: { problems },
      });
    },
    origin: (path) => tracePath(parsePath(path)),
    trusts(path) {
      const steps = parsePath(path);
      const found = valueAt(merged?.value, steps);
      if (merged === undefined || found === undefined) return false;
      return leafPaths(found, steps).every(
        ([leaf]) => trace(merged.origins, leaf)?.document.tier.trusted !== false,
      );
    },
    leaves: () =>
      leafPaths(merged?.value ?? {}, []).map(([path, leaf]) => ({
        path: redactor().text(formatPath(path)),
        value: redactor().value(leaf, path),
        origin: tracePath(path) as Origin,
      })),
    explain: (path) => explain(parts, parsePath(path)),
    redact: (text) => redactor().text(text),
  };
}

function leafPaths(value: Json, path: SettingPath): (readonly [SettingPath, Json])[] {
  if (isList(value) && value.length > 0) {
    return value.flatMap((item, index) => leafPaths(item, [...path, index]));
  }
  const entries = isObject(value) ? Object.entries(value) : [];
  if (entries.length > 0) return entries.flatMap(([key, item]) => leafPaths(item, [...path, key]));
  return path.length === 0 ? [] : [[path, value]];
}

function explain<T>(parts: LoadedParts<T>, path: SettingPath): Explanation {
  const { merged, documents, redactor, refusals, denied } = parts;
  const show = (value: Json): Json => redactor().value(value, path);
  const value = valueAt(merged?.value, path);
  const description = parts.describe(path);
  const touches = (other: SettingPath): boolean =>
    path.every((step, depth) => depth >= other.length || step === other[depth]);
  const refused = refusals.filter((refusal) => touches(refusal.path));
  const winner = merged && value !== undefined ? trace(merged.origins, path) : undefined;
  const contributions = documents.toReversed().flatMap((document): readonly Contribution[] => {
    const wins =
      winner?.document.source === document.source && winner.document.tier === document.tier;
    const inside = wins ? winner.path : path;
    const said = valueAt(document.value, inside);
    if (said === undefined) return [];
    const origin = originOf(document, inside);
    const mine = refused.filter(
      (refusal) => refusal.origin.source === origin.source && refusal.origin.tier === origin.tier,
    );
    const lost = mine.map((refusal): Contribution => ({
      origin: refusal.origin,
      value: redactor().value(refusal.value, refusal.path),
      outcome: 'refused',
      reason: refusal.reason,
    }));
    const wholly = mine.some((refusal) => refusal.path.length <= path.length);
    const items = mine.filter((refusal) => refusal.path.length === path.length + 1);
    const itemByItem =
      items.length > 0 && isContainer(said) && items.length === Object.keys(said).length;
    if (wholly || itemByItem) return lost;
    const joins = !winner && value !== undefined && sameKind(said, value);
    const outcome = wins ? 'wins' : joins ? 'joins' : 'loses';
    return [{ origin, value: show(said), outcome }, ...lost];
  });
  const forbidden = denied
    .filter((one) => touches(one.path))
    .map((one): Contribution => ({
      origin: one.by,
      value: redactor().value(one.value, one.path),
      outcome: 'denied',
      reason: 'what is forbidden anywhere is not allowed',
    }));
  return {
    path: formatPath(path),
    value: value === undefined ? undefined : show(value),
    ...(description === undefined ? {} : { description }),
    contributions: [...contributions, ...forbidden],
  };
}

const isContainer = (value: Json): value is Json & object => isList(value) || isObject(value);

const sameKind = (left: Json, right: Json): boolean =>
  isList(left) ? isList(right) : isObject(left) && isObject(right);
