import type { Locate, Position } from '../document.js';
import { inspect, type ValueFault } from '../inspect.js';
import { isObject, type JsonObject } from '../json.js';
import type { Finding } from '../problem.js';
import type { SettingPath } from '../setting-path.js';
import type { Format } from '../source.js';
import { parseJson, type JsonDialect } from './parse-json.js';
import { follow, valueOf, type Fault, type Parsed, type Tree } from './tree.js';

/** What a text says, or everything that is wrong with it. */
export interface ParsedDocument {
  readonly value: JsonObject;
  readonly locate: Locate;
  readonly findings: readonly Placed[];
}

export interface Placed {
  readonly path: SettingPath;
  readonly position: Position | undefined;
  readonly finding: Finding;
}

export type DocumentParser = (
  text: string,
  format: Format,
  duplicates: JsonDialect['duplicates'],
) => ParsedDocument;

type Parsers = Readonly<Partial<Record<Format, (text: string, json: JsonDialect) => Parsed>>>;

/** Loads the parsers of some formats: a program that reads JSON loads nothing for YAML. */
export async function loadParsers(formats: Iterable<Format>): Promise<DocumentParser> {
  const wanted = new Set(formats);
  const parsers: Parsers = {
    json: parseJson,
    jsonc: parseJson,
    ...(wanted.has('yaml') ? { yaml: (await import('./parse-yaml.js')).parseYaml } : {}),
    ...(wanted.has('toml') ? { toml: (await import('./parse-toml.js')).parseToml } : {}),
  };
  return (text, format, duplicates) =>
    (format === 'json' ? parseFast(text, duplicates) : undefined) ??
    parseWhole(text, format, duplicates, parsers);
}

/**
 * What `JSON.parse` takes and our rules have nothing against needs no places until somebody asks.
 * Undefined: the slow way knows what is wrong, and where.
 */
function parseFast(
  text: string,
  duplicates: JsonDialect['duplicates'],
): ParsedDocument | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { keys, faults } = inspect(value);
  if (faults.length > 0) return undefined;
  if (duplicates === 'fault' && keys !== countKeys(text)) return undefined;
  let tree: Tree | undefined;
  const positions = createPositions(text);
  return {
    value,
    findings: [],
    locate: (path, what) => {
      tree ??= parseJson(text, { comments: false, duplicates }).tree;
      return tree && place(positions, tree, path, what);
    },
  };
}

const textOrKey = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

/** Keys in a text that is JSON, those that stand twice counted twice. */
function countKeys(text: string): number {
  let keys = 0;
  for (const found of text.match(textOrKey) ?? []) if (found.endsWith(':')) keys += 1;
  return keys;
}

function parseWhole(
  text: string,
  format: Format,
  duplicates: JsonDialect['duplicates'],
  parsers: Parsers,
): ParsedDocument {
  // An empty file, or one of comments alone, sets nothing.
  if (text.trim() === '') return { value: {}, locate: () => undefined, findings: [] };
  const parse = parsers[format];
  if (parse === undefined) throw new Error(`The parser for ${format} was not loaded.`);
  const positions = createPositions(text);
  const { tree, faults } = withinStack(() =>
    parse(text, { comments: format === 'jsonc', duplicates }),
  );
  const findings: Placed[] = faults.map(({ code, message, offset, path }) => ({
    path,
    position: positions(offset),
    finding: { code, message },
  }));
  const none = { value: {}, locate: () => undefined, findings: bounded(findings) };
  if (tree === undefined) return none;
  const value = valueOf(tree);
  const locate: Locate = (path, what) => place(positions, tree, path, what);
  if (!isObject(value)) {
    if (value !== null || format === 'json' || format === 'jsonc') findings.push(noObject(locate));
    return { ...none, findings: bounded(findings) };
  }
  for (const fault of inspect(value).faults) findings.push(placeFault(fault, locate));
  return { value, locate, findings: bounded(unique(findings)) };
}

/** More than this is counted, not listed. */
const maxFindings = 100;

function bounded(findings: readonly Placed[]): readonly Placed[] {
  const last = findings[maxFindings];
  if (last === undefined) return findings;
  const message = `${findings.length - maxFindings} more problems of this file are not listed`;
  return [
    ...findings.slice(0, maxFindings),
    { ...last, path: [], finding: { code: 'ORCH_CONFIG_TOO_LARGE', message } },
  ];
}

/** Parsers are recursive, and a text may be made to exhaust the stack. */
function withinStack(parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = 'this is more than the parser can take; write less, or in more files';
    const fault: Fault = { code: 'ORCH_CONFIG_TOO_LARGE', offset: 0, path: [], message };
    return { tree: undefined, faults: [fault] };
  }
}

const noObject = (locate: Locate): Placed => ({
  path: [],
  position: locate([], 'value'),
  finding: {
    code: 'ORCH_CONFIG_NOT_AN_OBJECT',
    message: 'expected keys and values at the top of the file, received something else',
  },
});

function placeFault({ path, finding }: ValueFault, locate: Locate): Placed {
  return { path, position: locate(path, 'key'), finding };
}

/** The parser and the walk over the value may both see the same number. */
function unique(findings: readonly Placed[]): Placed[] {
  const seen = new Set<string>();
  return findings.filter(({ path, finding }) => {
    const key = JSON.stringify([finding.code, path]);
    return finding.code === 'ORCH_CONFIG_SYNTAX' || (!seen.has(key) && seen.add(key));
  });
}

function place(
  positions: (offset: number) => Position,
  root: Tree,
  path: SettingPath,
  what: 'key' | 'value',
): Position {
  const { tree, whole } = follow(root, path);
  return positions(what === 'key' && whole ? tree.keyOffset : tree.offset);
}

export function positionAt(text: string, offset: number): Position {
  return createPositions(text)(offset);
}

/** Line and column of offsets; where lines begin is looked up once. */
function createPositions(text: string): (offset: number) => Position {
  let starts: number[] | undefined;
  return (offset) => {
    starts ??= lineStarts(text);
    const end = Math.min(offset, text.length);
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= end) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: end - (starts[low] ?? 0) + 1 };
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let next = text.indexOf('\n'); next !== -1; next = text.indexOf('\n', next + 1)) {
    starts.push(next + 1);
  }
  return starts;
}
