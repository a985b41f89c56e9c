import { parseTOML, ParseError, type AST } from 'toml-eslint-parser';
import type { SettingPath } from '../setting-path.js';
import { maxDepth, numberFault, tooDeep, type Fault, type Parsed, type Tree } from './tree.js';

type Entries = Map<string, Tree>;

/** A tree that is still growing: TOML comes back to a table as often as it likes. */
interface Growing {
  offset: number;
  keyOffset: number;
  content: Entries | Growing[] | Tree['content'];
}

/** Cheap ends for text that was made to be slow. */
const maxBrackets = 10_000;
const maxDotsInLine = 1000;

/** Reads TOML 1.0 with positions. Of a wrong syntax, the first fault. Dates are text as written. */
export function parseToml(text: string): Parsed {
  const faults: Fault[] = [];
  const suspect = suspectIn(text);
  if (suspect !== undefined) return { tree: undefined, faults: [suspect] };
  try {
    const root: Growing = { offset: 0, keyOffset: 0, content: new Map<string, Tree>() };
    for (const entry of parseTOML(text).body[0].body) {
      if (entry.type === 'TOMLTable') readTable(root, entry, faults);
      else readPair(root, entry, [], faults);
    }
    return { tree: root, faults };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const message = /["'`]/.test(error.message) ? 'this is not TOML' : lower(error.message);
    faults.push({
      code: 'ORCH_CONFIG_SYNTAX',
      offset: /^Unspecified/.test(error.message) ? beforeBreak(text, error.index) : error.index,
      path: [],
      message,
    });
    return { tree: undefined, faults };
  }
}

/** Looks for what would keep the parser busy for long, without telling texts from the rest. */
function suspectIn(text: string): Fault | undefined {
  let [depth, brackets, dots] = [0, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '[':
      case '{':
        depth += 1;
        brackets += 1;
        break;
      case ']':
      case '}':
        depth = Math.max(0, depth - 1);
        break;
      case '.':
        dots += 1;
        break;
      case '#':
        at = endOfLine(text, at) - 1;
        break;
      case '\n':
        dots = 0;
        break;
    }
    if (depth > maxDepth * 2) return tooDeep(at, []);
    if (brackets > maxBrackets || dots > maxDotsInLine) {
      const message = `expected at most ${maxBrackets} brackets, and ${maxDotsInLine} dots in a line`;
      return { code: 'ORCH_CONFIG_TOO_LARGE', offset: at, path: [], message };
    }
  }
  return undefined;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

function readTable(root: Growing, table: AST.TOMLTable, faults: Fault[]): void {
  const place = grow(root, table.resolvedKey, table.key.range[0], faults);
  if (place === undefined) return;
  for (const pair of table.body) readPair(place, pair, table.resolvedKey, faults);
}

function readPair(
  place: Growing,
  pair: AST.TOMLKeyValue,
  above: SettingPath,
  faults: Fault[],
): void {
  const keys = pair.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
  const at = pair.key.range[0];
  const path = [...above, ...keys];
  const holder = grow(place, keys.slice(0, -1), at, faults);
  const last = keys.at(-1);
  if (holder?.content instanceof Map && last !== undefined) {
    holder.content.set(last, readValue(pair.value, at, path, faults));
  }
}

/** Goes down along a path, making what is not there yet. */
function grow(root: Growing, path: SettingPath, at: number, faults: Fault[]): Growing | undefined {
  if (path.length > maxDepth) {
    faults.push(tooDeep(at, path));
    return undefined;
  }
  let place = root;
  for (const [index, step] of path.entries()) {
    const content: Growing['content'] =
      typeof path[index + 1] === 'number' ? [] : new Map<string, Tree>();
    const fresh: Growing = { offset: at, keyOffset: at, content };
    const holder = place.content;
    if (holder instanceof Map) {
      const found = holder.get(String(step)) as Growing | undefined;
      if (found === undefined) holder.set(String(step), fresh);
      place = found ?? fresh;
    } else if (Array.isArray(holder)) {
      const items = holder;
      const found = items[Number(step)];
      if (found === undefined) items.push(fresh);
      place = found ?? fresh;
    } else return undefined;
  }
  return place;
}

function readValue(
  node: AST.TOMLContentNode,
  keyOffset: number,
  path: SettingPath,
  faults: Fault[],
): Tree {
  const offset = node.range[0];
  if (path.length > maxDepth) {
    faults.push(tooDeep(offset, path));
    return { offset, keyOffset, content: null };
  }
  if (node.type === 'TOMLArray') {
    const items = node.elements.map((element, index) =>
      readValue(element, element.range[0], [...path, index], faults),
    );
    return { offset, keyOffset, content: items };
  }
  if (node.type === 'TOMLInlineTable') {
    const table: Growing = { offset, keyOffset, content: new Map<string, Tree>() };
    for (const pair of node.body) readPair(table, pair, path, faults);
    return table;
  }
  if (node.kind === 'integer' || node.kind === 'float') {
    const wrong = numberFault(node.value, offset, path);
    if (wrong) faults.push(wrong);
    return { offset, keyOffset, content: node.value };
  }
  const content = 'datetime' in node ? node.datetime : node.value;
  return { offset, keyOffset, content };
}

/** What is missing at the end of a line is noticed on the next one. */
function beforeBreak(text: string, offset: number): number {
  let at = offset;
  while (at > 0 && (text[at - 1] === '\n' || text[at - 1] === '\r')) at -= 1;
  return at;
}

const lower = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);
