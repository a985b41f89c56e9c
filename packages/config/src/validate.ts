import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isList, type Json } from './json.js';
import type { Finding } from './problem.js';
import { knownSettings, type KnownSettings } from './known-settings.js';
import { formatPath, valueAt, type SettingPath } from './setting-path.js';
import { nearest } from './suggestion.js';

/** A schema's complaint, in our words. */
export interface Complaint {
  readonly path: SettingPath;
  readonly finding: Finding;
}

export type Validated<T> = { readonly value: T } | { readonly complaints: readonly Complaint[] };

/** A value as it may be shown. */
export type Show = (value: Json, path: SettingPath) => Json;

/** Asks a schema; all of its complaints at once, with what was expected, received and probably meant. */
export async function validate<T>(
  schema: StandardSchemaV1<unknown, T>,
  value: Json,
  show: () => Show,
): Promise<Validated<T>> {
  let result: StandardSchemaV1.Result<T>;
  try {
    const answer = schema['~standard'].validate(value);
    result = answer instanceof Promise ? await answer : answer;
  } catch (error) {
    const message = `the schema failed: ${String(error)}`;
    return { complaints: [{ path: [], finding: { code: 'ORCH_CONFIG_WRONG_VALUE', message } }] };
  }
  if (result.issues === undefined) return { value: result.value };
  const context = { root: value, known: knownSettings(schema), show: show() };
  return { complaints: result.issues.flatMap((issue) => explain(issue as Issue, [], context)) };
}

interface Context {
  readonly root: Json;
  readonly known: KnownSettings;
  readonly show: Show;
}

/** What libraries add to the standard's `message` and `path`; read only if it is what we think. */
interface Issue extends StandardSchemaV1.Issue {
  readonly code?: unknown;
  readonly expected?: unknown;
  readonly keys?: unknown;
  readonly values?: unknown;
  readonly errors?: unknown;
}

function explain(issue: Issue, above: SettingPath, context: Context): readonly Complaint[] {
  const { root, known, show } = context;
  const path = [...above, ...pathOf(issue)];
  const found = valueAt(root, path);
  const value = found === undefined ? undefined : show(found, path);
  if (issue.code === 'unrecognized_keys' && isTexts(issue.keys)) {
    return issue.keys.map((key) => unknownKey([...path, key], known));
  }
  if (Array.isArray(issue.errors)) {
    const branches = issue.errors as readonly (readonly Issue[])[];
    // The branch that fails deeper inside is the one that was meant.
    const meant = branches.find((branch) => branch.every((one) => pathOf(one).length > 0));
    if (meant && meant.length > 0) return meant.flatMap((one) => explain(one, path, context));
    const expected = [...new Set(branches.flatMap(([first]) => expectedBy(first) ?? []))];
    return [mismatch(path, value, expected.join(' or ') || undefined, issue.message)];
  }
  const { values } = issue;
  if (isList(values) && values.length > 0 && value !== undefined) {
    const options = known.options(path) ?? values.map(String);
    return [wrongValue(path, value, options)];
  }
  return [mismatch(path, value, expectedBy(issue), issue.message)];
}

function unknownKey(path: SettingPath, known: KnownSettings): Complaint {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1);
  const names = known.keys(parent);
  const meant = names && nearest(key, names);
  const place = parent.length === 0 ? 'settings have' : `${formatPath(parent)} has`;
  return {
    path,
    finding: {
      code: 'ORCH_CONFIG_UNKNOWN_KEY',
      message: `${place} no key ${JSON.stringify(key)}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
      expected: names?.length ? `one of ${names.slice(0, 40).join(', ')}` : undefined,
      received: key,
      suggestion: meant,
    },
  };
}

function mismatch(
  path: SettingPath,
  value: Json | undefined,
  expected: string | undefined,
  message: string,
): Complaint {
  const name = formatPath(path) || 'settings';
  if (value === undefined) {
    const wanted = expected === undefined ? '' : `; expected ${expected}`;
    const finding: Finding = {
      code: 'ORCH_CONFIG_MISSING_KEY',
      message: `${name} is missing${wanted}`,
      expected,
    };
    return { path, finding };
  }
  const received = describe(value);
  if (expected === undefined) {
    return {
      path,
      finding: { code: 'ORCH_CONFIG_WRONG_VALUE', message: `${name}: ${message}`, received },
    };
  }
  const finding: Finding = {
    code: 'ORCH_CONFIG_WRONG_TYPE',
    message: `${name}: expected ${expected}, received ${received}`,
    expected,
    received,
  };
  return { path, finding };
}

function wrongValue(path: SettingPath, value: Json, options: readonly string[]): Complaint {
  const received = describe(value);
  const shown = options.slice(0, 40).join(', ');
  const expected = options.length === 1 ? shown : `one of ${shown}`;
  const meant = typeof value === 'string' ? nearest(value, options) : undefined;
  return {
    path,
    finding: {
      code: 'ORCH_CONFIG_WRONG_VALUE',
      message: `${formatPath(path)}: expected ${expected}, received ${received}`,
      expected,
      received,
      suggestion: meant,
    },
  };
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

function expectedBy(issue: Issue | undefined): string | undefined {
  if (typeof issue?.expected === 'string') return kinds[issue.expected] ?? issue.expected;
  if (isList(issue?.values)) return issue.values.map(String).join(' or ');
  return undefined;
}

/** What a value is, in a few words; never a secret. */
function describe(value: Json): string {
  if (value === null) return 'null';
  if (isList(value)) return value.length === 1 ? 'a list of one' : `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value !== 'string') return String(value);
  const short = value.length > 60 ? `${value.slice(0, 60)}…` : value;
  return `the text ${JSON.stringify(short)}`;
}

function pathOf({ path }: StandardSchemaV1.Issue): SettingPath {
  return (path ?? []).map((step) => {
    const key = typeof step === 'object' ? step.key : step;
    return typeof key === 'number' ? key : String(key);
  });
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');
