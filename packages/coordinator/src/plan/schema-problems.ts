import type * as z from 'zod';
import type { Json } from '../json.js';
import { isObject, textOf } from '../graph/json-kind.js';
import { describe, listWords, quote } from './describe.js';
import { knownKeys } from './json-schema.js';
import type { Locations } from './locations.js';
import type { Path } from './path.js';
import type { Report } from './problem.js';
import { DURATION_EXPECTED } from './schema/words.js';
import { nearest } from './suggestion.js';

type Issue = z.core.$ZodIssue;

/** Words of other tools for keys of ours. */
const SYNONYMS: { readonly [key: string]: string } = {
  depends_on: 'needs',
  dependsOn: 'needs',
  dependencies: 'needs',
  command: 'run',
  cmd: 'run',
  script: 'sh',
  shell: 'sh',
  instructions: 'prompt',
  budget: 'usd',
  max_turns: 'turns',
  concurrency: 'parallel',
  environment: 'env',
  name: 'id',
  retries: 'retry',
};

const TYPE_WORDS: { readonly [type: string]: string } = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

export interface ShapeContext {
  readonly kind: 'plan' | 'part';
  readonly value: Json;
  readonly locations: Locations;
  readonly report: Report;
}

/** Says what a schema refused, at its place. Returns the paths that hold nothing usable. */
export function reportShape(context: ShapeContext, issues: readonly Issue[]): Path[] {
  return issues.flatMap((issue) => reportIssue(context, issue, toPath(issue.path)));
}

function reportIssue(context: ShapeContext, issue: Issue, path: Path): Path[] {
  const { report, locations } = context;
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(context.kind, path);
    return issue.keys.map((key) => reportUnknownKey(context, path, key, known));
  }
  if (issue.code === 'invalid_union') {
    const branch = likeliest(issue.errors);
    if (branch !== undefined) {
      return branch.flatMap((one) => reportIssue(context, one, [...path, ...toPath(one.path)]));
    }
  }
  const received = valueAt(context.value, path);
  const key = path.at(-1);
  if (received === undefined && issue.code !== 'invalid_key' && key !== undefined) {
    const where = path.slice(0, -1);
    const expected = expectation(issue);
    report.add(locations.value(where), path, {
      code: 'ORCH_PLAN_MISSING_KEY',
      message: `the key ${JSON.stringify(key)} is missing; expected ${expected}`,
      expected,
    });
    return [path];
  }
  if (issue.code === 'invalid_key') {
    const expected = issue.issues.map((one) => one.message).find((text) => text !== '') ?? 'a name';
    report.add(locations.key(path), path, {
      code: 'ORCH_PLAN_WRONG_VALUE',
      message: `expected ${expected}, received the key ${quote(String(key))}`,
      expected,
      received: String(key),
    });
    return [path];
  }
  reportValue(context, issue, path, received);
  return [path];
}

function reportValue(
  { report, locations }: ShapeContext,
  issue: Issue,
  path: Path,
  received: Json | undefined,
): void {
  const expected = expectation(issue);
  const words = describe(received);
  const isTime = expected === DURATION_EXPECTED;
  const suggestion = suggestValue(issue, expected, received, locations.written(path));
  const time = isTime && suggestion !== undefined ? `; write ${suggestion}` : '';
  report.add(locations.value(path), path, {
    code: isTime
      ? 'ORCH_PLAN_DURATION'
      : issue.code === 'invalid_type' || issue.code === 'invalid_union'
        ? 'ORCH_PLAN_WRONG_TYPE'
        : 'ORCH_PLAN_WRONG_VALUE',
    message: `expected ${expected}, received ${words}${time}`,
    expected,
    received: words,
    suggestion,
  });
}

function suggestValue(
  issue: Issue,
  expected: string,
  received: Json | undefined,
  written: string,
): string | undefined {
  if (expected === DURATION_EXPECTED) {
    const bare = /^\d+$/.exec(textOf(received ?? null))?.[0];
    return bare === undefined ? undefined : `${bare}m or ${bare}s`;
  }
  if (issue.code === 'invalid_value' && typeof received === 'string') {
    return nearest(received, issue.values.map(String));
  }
  const isArray = issue.code === 'invalid_type' && issue.expected === 'array';
  if (isArray && typeof received === 'string') return `[${written}]`;
  const wantsText = issue.code === 'invalid_type' && issue.expected === 'string';
  const isScalar = typeof received === 'number' || typeof received === 'boolean';
  return wantsText && isScalar && written !== '' ? JSON.stringify(written) : undefined;
}

function reportUnknownKey(
  context: ShapeContext,
  parent: Path,
  key: string,
  known: readonly string[],
): Path {
  const path = [...parent, key];
  const synonym = Object.hasOwn(SYNONYMS, key) ? SYNONYMS[key] : undefined;
  const meant = synonym !== undefined && known.includes(synonym) ? synonym : undefined;
  const expected = listWords(known);
  context.report.add(context.locations.key(path), path, {
    code: 'ORCH_PLAN_UNKNOWN_KEY',
    message: `unknown key ${quote(key)}`,
    expected: `one of ${expected}`,
    received: key,
    suggestion: meant ?? nearest(key, known),
  });
  return path;
}

/** The schemas carry what they expect as their error; without one, the type or the values speak. */
function expectation(issue: Issue): string {
  if (issue.message !== '') return issue.message;
  if (issue.code === 'invalid_type') return TYPE_WORDS[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') return oneOfWords(issue.values.map(String));
  if (issue.code === 'invalid_union') {
    const words = issue.errors.flatMap((one) => (one[0] ? [expectation(one[0])] : []));
    return listWords([...new Set(words)]);
  }
  return 'another value';
}

/** Codes that say that a value is nothing of the kind. */
const WRONG_AT_ALL: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value']);

/** `auto`, or `one of block, continue or stop`. */
function oneOfWords(values: readonly string[]): string {
  return values.length === 1 ? values.join('') : `one of ${listWords(values)}`;
}

/** Of the alternatives whose type fits, the one with the fewest faults. */
function likeliest(alternatives: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const fitting = alternatives.filter(
    (issues) => !issues.some((one) => one.path.length === 0 && WRONG_AT_ALL.has(one.code)),
  );
  return fitting.toSorted((left, right) => left.length - right.length)[0];
}

/** Zod's paths in our own terms. */
function toPath(path: readonly PropertyKey[]): Path {
  return path.map((key) => (typeof key === 'number' ? key : String(key)));
}

function valueAt(value: Json, path: Path): Json | undefined {
  let found: Json | undefined = value;
  for (const key of path) {
    if (Array.isArray(found)) found = (found as readonly Json[])[Number(key)];
    else if (isObject(found) && Object.hasOwn(found, key)) found = found[key];
    else return undefined;
  }
  return found;
}
