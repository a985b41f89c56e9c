import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ConfigError } from './config-error.js';
import { originOf, problemAt, type Document } from './document.js';
import { createDocumentReader, type Admit } from './documents.js';
import { applyDenials, applyGuards, compileGuards, type Guard } from './guard.js';
import type { Json } from './json.js';
import { knownSettings } from './known-settings.js';
import { createLoaded, type Denied, type Loaded } from './loaded.js';
import { createMerger, trace, type Merged, type WholePaths } from './merge.js';
import type { Problem } from './problem.js';
import { createRedactor, secretsIn, secretVariables, type Redactor } from './redact.js';
import { valueAt, type SettingPath } from './setting-path.js';
import { usualTiers, type Source, type Tier } from './source.js';
import { validate } from './validate.js';
import { watchSettings, type SettingsWatch, type WatchOptions } from './watch.js';

/** What layered settings are made of. */
export interface SettingsOptions<T = unknown> {
  /** In any order; within a tier a later one wins. */
  readonly sources: readonly Source[];
  /** Low to high. @default usualTiers */
  readonly tiers?: readonly Tier[];
  /** Any Standard Schema (zod, valibot, arktype). Without one the merged settings are the value. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** What tiers that are not trusted may not widen. @default [] */
  readonly guards?: readonly Guard[];
  /** What `${NAME}` stands for. @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `off`: `${NAME}` is text. @default 'fill' */
  readonly variables?: 'fill' | 'off';
  /** Keys of the first level in whose texts `${NAME}` is text. @default [] */
  readonly literal?: readonly string[];
  /** A key that stands twice in JSON: a fault, or the last one counts. @default 'fault' */
  readonly duplicates?: 'fault' | 'last';
  /** Items of lists that are objects: left out when an equal one is there, or each one of its own. @default 'equal' */
  readonly sameItems?: 'equal' | 'scalars';
  /** Paths of objects and lists that a higher source replaces whole; `*` stands for every key. @default [] */
  readonly whole?: readonly string[];
  /**
   * What becomes of a file with faults: settings have no value, or the file does not count and its faults
   * are warnings. @default 'refuse'
   */
  readonly badFiles?: 'refuse' | 'drop' | ((tier: string) => 'refuse' | 'drop');
  /** Looks at what a source says before it is merged; may mend it, or drop it whole. */
  readonly admit?: Admit;
  /** Largest file. @default 1 MiB */
  readonly maxBytes?: number;
  /** Values that must never be shown, beside those that are recognised. @default [] */
  readonly secrets?: readonly string[];
}

export interface Settings<T> {
  /** Reads every source again. Never fails for what the sources hold: that is `problems`. */
  load(): Promise<Loaded<T>>;
  /** Loads, and loads again whenever a source changes. */
  watch(options: WatchOptions<T>): Promise<SettingsWatch<T>>;
}

const mebibyte = 1024 * 1024;

/**
 * Settings out of several sources. Throws `ORCH_CONFIG_SPEC` for a source whose tier does not exist, for two
 * tiers of one name, for a limit that is none; `ORCH_CONFIG_PATH` for the path of a guard that is none.
 */
export function createSettings<T = Json>(options: SettingsOptions<T>): Settings<T> {
  const { tiers = usualTiers, sources, schema, maxBytes = mebibyte } = options;
  const { badFiles = 'refuse' } = options;
  checkOptions(tiers, sources, maxBytes);
  const rules = compileGuards(options.guards ?? []);
  const environment = options.environment ?? process.env;
  const read = createDocumentReader({
    ...{ tiers, sources, environment, maxBytes },
    variables: options.variables ?? 'fill',
    literal: new Set(options.literal),
    duplicates: options.duplicates ?? 'fault',
    badFiles: typeof badFiles === 'function' ? badFiles : () => badFiles,
    admit: options.admit,
  });
  const merger = createMerger({
    sameItems: options.sameItems ?? 'equal',
    whole: wholePaths(options.whole ?? []),
  });

  interface Layers {
    readonly documents: readonly Document[];
    readonly guarded: ReturnType<typeof applyGuards> | undefined;
    /** The documents without what does not count. */
    readonly all: readonly Document[];
    readonly merged: Merged | undefined;
    readonly denied: readonly Denied[];
  }
  let last: Layers | undefined;

  /** Guards and merges; of the same documents as the last time, what was made then. */
  function lay(documents: readonly Document[]): Layers {
    const same =
      last?.documents.length === documents.length &&
      documents.every((document, index) => document === last?.documents[index]);
    if (same && last) return last;
    const guarded = rules.length > 0 ? applyGuards(documents, rules) : undefined;
    const all = guarded?.documents ?? documents;
    const denied: Denied[] = [];
    const before = merger.merge(all);
    const merged =
      before &&
      applyDenials(before, rules, (path, value, denial) => {
        const traced = trace(before.origins, denial);
        if (traced) denied.push({ path, value, by: originOf(traced.document, traced.path) });
      });
    last = { documents, guarded, all, merged, denied };
    return last;
  }

  async function load(): Promise<Loaded<T>> {
    const { documents, problems: faults } = await read();
    const { guarded, all, merged, denied } = lay(documents);
    let redactor: Redactor | undefined;
    const redact = (): Redactor =>
      (redactor ??= createRedactor([
        ...(options.secrets ?? []),
        ...secretVariables(environment),
        ...documents.flatMap((document) => secretsIn(document.value)),
      ]));
    const problems = [...faults, ...(guarded?.problems ?? [])];
    const broken = faults.some(({ severity }) => severity === 'error');
    let value: T | undefined;
    if (schema === undefined) value = (merged?.value ?? {}) as T;
    else {
      const show = (inner: Json, path: SettingPath): Json => redact().value(inner, path);
      const answer = await validate(schema, merged?.value ?? {}, () => show);
      if ('value' in answer) value = answer.value;
      else {
        for (const { path, finding } of answer.complaints) {
          // It may well be in the file that could not be read.
          if (broken && finding.code === 'ORCH_CONFIG_MISSING_KEY') continue;
          problems.push(complain(path, finding, merged, all));
        }
        value = undefined;
      }
    }
    return createLoaded<T>({
      value: broken ? undefined : value,
      merged,
      problems: problems.length === 0 ? problems : sort(problems, tiers).map(clean(redact)),
      documents,
      refusals: guarded?.refusals ?? [],
      denied,
      redactor: redact,
      describe: (path) => (schema ? knownSettings(schema).description(path) : undefined),
    });
  }

  return {
    load,
    watch: (watching) => watchSettings(load, sources, watching),
  };
}

function wholePaths(paths: readonly string[]): WholePaths | undefined {
  const root: Record<string, WholePaths | true> = {};
  for (const path of paths) {
    let at = root;
    const steps = path.split('.');
    for (const step of steps.slice(0, -1)) {
      at = (at[step] ??= {}) as Record<string, WholePaths | true>;
    }
    at[steps.at(-1) ?? ''] = true;
  }
  return paths.length === 0 ? undefined : root;
}

function checkOptions(tiers: readonly Tier[], sources: readonly Source[], maxBytes: number): void {
  const refuse = (field: string, message: string): never => {
    throw new ConfigError('ORCH_CONFIG_SPEC', message, { details: { field } });
  };
  const names = new Set(tiers.map(({ name }) => name));
  if (names.size < tiers.length) refuse('tiers', 'Two tiers have the same name.');
  for (const { tier } of sources) {
    if (names.has(tier)) continue;
    refuse('sources', `There is no tier ${tier}; there are ${[...names].join(', ')}.`);
  }
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
    refuse('maxBytes', `maxBytes must be a whole number, 1 or more; received ${maxBytes}.`);
  }
}

/** A complaint of the schema, at the key or value that caused it; of what is missing, where it belongs. */
function complain(
  path: SettingPath,
  finding: Parameters<typeof problemAt>[3],
  merged: Merged | undefined,
  documents: readonly Document[],
): Problem {
  const what = finding.code === 'ORCH_CONFIG_UNKNOWN_KEY' ? 'key' : 'value';
  for (let length = path.length; merged && length >= 0; length -= 1) {
    const place = path.slice(0, length);
    if (valueAt(merged.value, place) === undefined) continue;
    const traced = trace(merged.origins, place);
    const document =
      traced?.document ?? documents.findLast((one) => valueAt(one.value, place) !== undefined);
    if (document === undefined) continue;
    return problemAt(document, document.locate(traced?.path ?? place, what), path, finding);
  }
  return problemAt({ tier: { name: 'settings' }, source: 'settings' }, undefined, path, finding);
}

/** Low tiers first, then by file and place. */
function sort(problems: readonly Problem[], tiers: readonly Tier[]): readonly Problem[] {
  const rank = new Map(tiers.map(({ name }, index) => [name, index]));
  const compare = (left: Problem, right: Problem): number =>
    (rank.get(left.tier) ?? 0) - (rank.get(right.tier) ?? 0) ||
    (left.source < right.source ? -1 : left.source > right.source ? 1 : 0) ||
    (left.line ?? 0) - (right.line ?? 0) ||
    (left.column ?? 0) - (right.column ?? 0);
  return [...problems].sort(compare);
}

/** A problem quotes keys and values; no secret is among them. */
const clean =
  (redactor: () => Redactor) =>
  (problem: Problem): Problem => {
    const { text } = redactor();
    const { expected, received, suggestion } = problem;
    return {
      ...problem,
      path: text(problem.path),
      message: text(problem.message),
      ...(expected === undefined ? {} : { expected: text(expected) }),
      ...(received === undefined ? {} : { received: text(received) }),
      ...(suggestion === undefined ? {} : { suggestion: text(suggestion) }),
    };
  };
