import { isAlias, isMap, isScalar, isSeq, type ParsedNode, type Scalar } from 'yaml';
import type { Json } from '../json.js';
import type { Place, Style } from './locations.js';
import { formatPath, type Path } from './path.js';
import type { Report } from './problem.js';
import type { SourceText } from './source-text.js';
import { reportAlias, reportProperties } from './tree-problems.js';

/** Deepest nesting of a plan. */
export const MAX_DEPTH = 64;

export interface Tree {
  readonly value: Json;
  readonly places: ReadonlyMap<string, Place>;
}

/** Turns parsed nodes into a value and a table of places. Aliases are never expanded. */
export function readTree(
  source: SourceText,
  contents: ParsedNode | null,
  report: Report,
): Tree | undefined {
  const places = new Map<string, Place>();
  const context: Context = { source, report, places, tooDeep: false };
  const value = readNode(contents, [], undefined, context);
  return context.tooDeep ? undefined : { value, places };
}

interface Context {
  readonly source: SourceText;
  readonly report: Report;
  readonly places: Map<string, Place>;
  tooDeep: boolean;
}

const STYLES: { readonly [type: string]: Style } = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'block',
  BLOCK_FOLDED: 'block',
};

function readNode(
  node: ParsedNode | null,
  path: Path,
  key: number | undefined,
  context: Context,
): Json {
  const { source, report, places } = context;
  if (node === null) return null;
  const [start, end] = node.range;
  const style: Style = isScalar(node) ? (STYLES[node.type ?? ''] ?? 'plain') : 'collection';
  places.set(formatPath(path), { key, start, end, style });
  if (path.length > MAX_DEPTH) {
    if (!context.tooDeep) {
      report.add(source.spotAt(start), path, {
        code: 'ORCH_PLAN_TOO_DEEP',
        message: `expected at most ${MAX_DEPTH} levels of nesting, received more`,
      });
    }
    context.tooDeep = true;
    return null;
  }
  if (isAlias(node)) return reportAlias(source, node, path, report);
  const instead = reportProperties(source, node, path, report);
  if (instead !== undefined) {
    const end = instead.offset + instead.text.length;
    places.set(formatPath(path), { key, start: instead.offset, end, style: 'plain' });
    return instead.text;
  }
  if (isScalar(node)) return readScalar(node, path, context);
  if (isSeq(node)) {
    return node.items.map((item, index) =>
      readNode(item as ParsedNode | null, [...path, index], undefined, context),
    );
  }
  return isMap(node) ? readMapping(node.items, path, context) : null;
}

interface Entry {
  readonly key: ParsedNode | null;
  readonly value: ParsedNode | null;
}

function readMapping(items: readonly Entry[], path: Path, context: Context): Json {
  const { source, report } = context;
  const value: { [key: string]: Json } = {};
  const seen = new Map<string, number>();
  for (const item of items) {
    const at = item.key?.range[0] ?? item.value?.range[0] ?? 0;
    const name = readKey(item.key);
    const here = [...path, name ?? '?'];
    const refuse = (code: 'ORCH_PLAN_ALIAS' | 'ORCH_PLAN_SYNTAX', message: string): void => {
      report.add(source.spotAt(at), here, { code, message });
    };
    if (name === undefined) {
      refuse('ORCH_PLAN_SYNTAX', 'expected a plain key, received an alias, a list or a mapping');
    } else if (name === '<<') {
      refuse('ORCH_PLAN_ALIAS', 'merge keys are refused; write the keys out, or use `defaults:`');
    } else if (name === '__proto__') {
      refuse('ORCH_PLAN_SYNTAX', 'the key __proto__ is not allowed');
    } else if (seen.has(name)) {
      const first = source.spotAt(seen.get(name) ?? 0).line;
      report.add(source.spotAt(at), here, {
        code: 'ORCH_PLAN_DUPLICATE_KEY',
        message: `the key ${JSON.stringify(name)} stands here twice; the first is on line ${first}`,
      });
    } else {
      seen.set(name, at);
      value[name] = readNode(item.value, here, at, context);
      if (item.value === null) {
        context.places.set(formatPath(here), { key: at, start: at, end: at, style: 'plain' });
      }
    }
  }
  return value;
}

function readKey(key: ParsedNode | null): string | undefined {
  if (!isScalar(key) || key.tag !== undefined || key.anchor !== undefined) return undefined;
  return typeof key.value === 'string' ? key.value : key.source;
}

function readScalar(node: Scalar.Parsed, path: Path, context: Context): Json {
  const { source, report } = context;
  const value = node.value;
  if (typeof value === 'string') {
    // Escapes can write what the text itself may not hold.
    if (/[^\P{Cc}\t\n\r]|\p{Cs}/u.test(value)) {
      report.add(source.spotAt(node.range[0]), path, {
        code: 'ORCH_PLAN_CONTROL_CHARACTER',
        message: 'control characters and unpaired surrogates are not allowed, escaped or not',
      });
    }
    return value;
  }
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    report.add(source.spotAt(node.range[0]), path, {
      code: 'ORCH_PLAN_WRONG_VALUE',
      message: `expected a finite number, received ${node.source}`,
    });
    return 0;
  }
  return typeof value === 'boolean' ? value : null;
}
