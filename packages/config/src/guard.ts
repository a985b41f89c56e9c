import { ConfigError } from './config-error.js';
import { originOf, problemAt, type Document } from './document.js';
import { isList, isObject, ownValue, type Json, type JsonObject } from './json.js';
import { createMerger, dropItems, identityOf, type Merged } from './merge.js';
import type { Problem, ProblemCode } from './problem.js';
import { formatPath, parsePath, valueAt, type SettingPath } from './setting-path.js';
import type { Origin } from './source.js';

/**
 * What tiers that are not trusted may do at a path; `*` in a path stands for every key.
 *
 * - `grants`: a list of what is allowed. They add nothing to it. `closedBy` names a switch: while a policy
 *   tier sets it to true, nobody but policy tiers adds anything.
 * - `denials`: a list of what is forbidden. Everybody adds, nobody takes away; what it holds is taken out
 *   of the list `of`.
 * - `ordered`: one of some words, narrow to wide. They may only choose what is not wider.
 * - `ceiling`: a number. They may only lower it; without one there is no limit yet.
 * - `trusted`: theirs does not count at all.
 *
 * What trusted tiers say together is the measure; where they say nothing, nothing is granted and only the
 * narrowest word may be chosen.
 */
export type Guard =
  | { readonly path: string; readonly kind: 'grants'; readonly closedBy?: string }
  | { readonly path: string; readonly kind: 'denials'; readonly of?: string }
  | {
      readonly path: string;
      readonly kind: 'ordered';
      /** Narrow to wide. */
      readonly order: readonly (string | boolean)[];
    }
  | { readonly path: string; readonly kind: 'ceiling' }
  | { readonly path: string; readonly kind: 'trusted' };

/** Something that a document says and that does not count. */
export interface Refusal {
  readonly path: SettingPath;
  readonly value: Json;
  readonly origin: Origin;
  readonly reason: string;
}

export interface Guarded {
  /** The documents without what does not count. */
  readonly documents: readonly Document[];
  readonly problems: readonly Problem[];
  readonly refusals: readonly Refusal[];
}

/** A guard whose path has been read. */
export type Rule = Guard & { readonly steps: SettingPath };

/** Throws `ORCH_CONFIG_PATH` for a path that is none, `ORCH_CONFIG_SPEC` for one with an index. */
export function compileGuards(guards: readonly Guard[]): readonly Rule[] {
  return guards.map((guard) => {
    const steps = guard.path.split('.').flatMap((part) => (part === '*' ? ['*'] : parsePath(part)));
    if (steps.every((step) => typeof step === 'string')) return { ...guard, steps };
    throw new ConfigError(
      'ORCH_CONFIG_SPEC',
      `The guard ${guard.path} has the index of a list; guard the whole list instead.`,
      { details: { field: 'guards', path: guard.path } },
    );
  });
}

/** Takes out of each document what its tier may not say. */
export function applyGuards(documents: readonly Document[], rules: readonly Rule[]): Guarded {
  const problems: Problem[] = [];
  const refusals: Refusal[] = [];
  const trusted = documents.filter(({ tier }) => tier.trusted !== false);
  const policy = documents.filter(({ tier }) => tier.policy === true);
  const kept = documents.map((document) => {
    let rest = document;
    for (const rule of rules) {
      const measure = measureFor(rule, document, trusted, policy);
      if (measure === undefined) continue;
      for (const path of concretePaths(rest.value, rule.steps)) {
        rest = narrow(document, rest, rule, path, measure, (refused, reason, inner) => {
          refusals.push({ path: inner, value: refused, origin: originOf(document, inner), reason });
          const message = `${formatPath(inner)} of the ${document.tier.name} tier does not count: ${reason}`;
          const finding = { code: measure.code, severity: 'warning', message } as const;
          problems.push(problemAt(document, document.locate(inner, 'value'), inner, finding));
        });
      }
    }
    return rest;
  });
  return { documents: kept, problems, refusals };
}

interface Measure {
  readonly code: Extract<ProblemCode, 'ORCH_CONFIG_WIDENS' | 'ORCH_CONFIG_CLOSED'>;
  readonly documents: readonly Document[];
}

/** Whose word a document is measured by; undefined: it may say what it likes. */
function measureFor(
  rule: Rule,
  { tier }: Document,
  trusted: readonly Document[],
  policy: readonly Document[],
): Measure | undefined {
  if (rule.kind === 'grants' && rule.closedBy !== undefined && tier.policy !== true) {
    const closed = settledValue(policy, parsePath(rule.closedBy)) === true;
    if (closed) return { code: 'ORCH_CONFIG_CLOSED', documents: policy };
  }
  return tier.trusted === false ? { code: 'ORCH_CONFIG_WIDENS', documents: trusted } : undefined;
}

/** Paths of the document that a rule is about: whole ones, and shorter ones that end at no object. */
function concretePaths(value: JsonObject, steps: SettingPath): SettingPath[] {
  let ends: { readonly path: SettingPath; readonly value: Json }[] = [{ path: [], value }];
  for (const step of steps) {
    ends = ends.flatMap((end) => {
      if (!isObject(end.value)) return [end];
      const { value: object, path } = end;
      const keys = step === '*' ? Object.keys(object) : [String(step)];
      return keys.flatMap((key) => {
        const inner = ownValue(object, key);
        return inner === undefined ? [] : [{ path: [...path, key], value: inner }];
      });
    });
  }
  return ends.map(({ path }) => path);
}

type Refuse = (value: Json, reason: string, path: SettingPath) => void;

function narrow(
  document: Document,
  rest: Document,
  rule: Rule,
  path: SettingPath,
  measure: Measure,
  refuse: Refuse,
): Document {
  const value = valueAt(document.value, path) as Json;
  const base = settledValue(measure.documents, path);
  if (path.length < rule.steps.length) {
    // Something that is no object would push the whole object aside, and what it guards with it.
    refuse(value, `expected an object here, because ${rule.path} is guarded`, path);
    return without(rest, path);
  }
  if (rule.kind === 'grants') {
    if (!isList(value)) {
      refuse(value, 'expected a list of what is allowed', path);
      return without(rest, path);
    }
    const granted = new Set((isList(base) ? base : []).map(identityOf));
    const kept = [...value.keys()].filter((index) => {
      if (granted.has(identityOf(value[index] as Json))) return true;
      refuse(value[index] as Json, whyRefused(measure), [...path, index]);
      return false;
    });
    return kept.length === value.length ? rest : withItems(rest, path, kept);
  }
  const reason = scalarReason(rule, value, base);
  if (reason === undefined) return rest;
  refuse(value, reason, path);
  return without(rest, path);
}

const whyRefused = ({ code }: Measure): string =>
  code === 'ORCH_CONFIG_CLOSED'
    ? 'a policy has closed this list'
    : 'it can narrow what your own settings allow, never widen it';

/** Why one value may not stand, or nothing. */
function scalarReason(rule: Rule, value: Json, base: Json | undefined): string | undefined {
  switch (rule.kind) {
    case 'trusted':
      return 'only your own settings may say this';
    case 'denials':
      return isList(value) ? undefined : 'expected a list of what is forbidden';
    case 'ceiling':
      if (typeof value !== 'number') return 'expected a number';
      return typeof base === 'number' && value > base
        ? `your own settings allow at most ${base}`
        : undefined;
    case 'ordered': {
      const asked = rule.order.indexOf(value as string | boolean);
      const allowed = Math.max(0, rule.order.indexOf(base as string | boolean));
      return asked === -1 || asked > allowed
        ? `your own settings allow nothing wider than ${String(rule.order[allowed])}`
        : undefined;
    }
    default:
      return undefined;
  }
}

const { over } = createMerger({ sameItems: 'equal', whole: undefined });

/** What documents say together at a path. */
function settledValue(documents: readonly Document[], path: SettingPath): Json | undefined {
  let settled: Merged | undefined;
  for (const document of documents) {
    const shortest = path.findIndex(
      (_, depth) => !isObject(valueAt(document.value, path.slice(0, depth))),
    );
    const value = valueAt(document.value, path);
    if (value !== undefined) {
      settled = settled ? over(settled, value, document) : { value, origins: document };
    } else if (shortest !== -1 && valueAt(document.value, path.slice(0, shortest)) !== undefined) {
      settled = undefined;
    }
  }
  return settled?.value;
}

function without(document: Document, path: SettingPath): Document {
  return { ...document, value: change(document.value, path, () => undefined) };
}

/** Keeps some items of a list; whoever asks where one stands gets its place in the file. */
function withItems(document: Document, path: SettingPath, kept: readonly number[]): Document {
  const pick = (list: Json): Json => kept.map((index) => (list as readonly Json[])[index] as Json);
  const value = change(document.value, path, pick);
  const inList = (asked: SettingPath): boolean =>
    asked.length > path.length && path.every((step, depth) => step === asked[depth]);
  return {
    ...document,
    value,
    locate: (asked, what) => {
      if (!inList(asked)) return document.locate(asked, what);
      const index = kept[Number(asked[path.length])] ?? -1;
      return document.locate([...path, index, ...asked.slice(path.length + 1)], what);
    },
  };
}

function change(
  object: JsonObject,
  [step, ...rest]: SettingPath,
  make: (value: Json) => Json | undefined,
): JsonObject {
  const key = String(step);
  const value = ownValue(object, key);
  if (value === undefined) return object;
  const changed = rest.length === 0 ? make(value) : change(value as JsonObject, rest, make);
  const { [key]: _old, ...others } = object;
  return changed === undefined ? others : { ...object, [key]: changed };
}

/** Deny wins: what is forbidden anywhere is taken out of what is allowed. */
export function applyDenials(
  merged: Merged,
  rules: readonly Rule[],
  onDenied: (path: SettingPath, item: Json, denial: SettingPath) => void,
): Merged {
  let result = merged;
  for (const rule of rules) {
    if (rule.kind !== 'denials' || rule.of === undefined) continue;
    const denied = valueAt(result.value, rule.steps);
    if (!isList(denied) || denied.length === 0) continue;
    const identities = denied.map(identityOf);
    const path = parsePath(rule.of);
    result = dropItems(result, path, (item) => {
      const index = identities.indexOf(identityOf(item));
      if (index === -1) return false;
      onDenied(path, item, [...rule.steps, index]);
      return true;
    });
  }
  return result;
}
