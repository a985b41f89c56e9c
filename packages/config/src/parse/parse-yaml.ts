import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  Parser,
  type CST,
  type ParsedNode,
  type Scalar,
} from 'yaml';
import type { SettingPath } from '../setting-path.js';
import {
  duplicateKey,
  maxDepth,
  numberFault,
  tooDeep,
  type Fault,
  type Parsed,
  type Tree,
} from './tree.js';

/** The parser's stack grows by one or two for each level. */
const maxStack = 2 * maxDepth + 8;

/** A cheap end for text that was made to be slow. */
const maxTokens = 200_000;

/** Reads one document of YAML 1.2 with positions. Anchors, aliases and tags are faults. */
export function parseYaml(text: string): Parsed {
  const tokens = tokenize(text);
  if ('fault' in tokens) return { tree: undefined, faults: [tokens.fault] };
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    // Checked below, in linear time.
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const [document, second] = [...composer.compose(tokens.tokens, true, text.length)];
  if (document === undefined) return { tree: undefined, faults: [] };
  const faults = [...document.errors, ...document.warnings].map(({ code, message, pos }): Fault =>
    code === 'TAG_RESOLVE_FAILED'
      ? feature('a tag', pos[0], [])
      : { code: 'ORCH_CONFIG_SYNTAX', offset: pos[0], path: [], message: say(code, message) },
  );
  if (second !== undefined) {
    const message = 'expected one document, found another one after ---';
    faults.push({ code: 'ORCH_CONFIG_SYNTAX', offset: second.range[0], path: [], message });
  }
  const { contents } = document;
  if (contents === null || faults.length > 0) return { tree: undefined, faults };
  return { tree: readNode(contents, contents.range[0], [], faults), faults };
}

function tokenize(text: string): { readonly tokens: CST.Token[] } | { readonly fault: Fault } {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    count += 1;
    if (parser.stack.length > maxStack) return { fault: tooDeep(parser.offset, []) };
    if (count > maxTokens) {
      const message = `expected at most ${maxTokens} YAML tokens, received more`;
      return {
        fault: { code: 'ORCH_CONFIG_TOO_LARGE', offset: parser.offset, path: [], message },
      };
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return { tokens };
}

function readNode(node: ParsedNode, keyOffset: number, path: SettingPath, faults: Fault[]): Tree {
  const offset = node.range[0];
  const empty = { offset, keyOffset, content: null };
  if (path.length > maxDepth) {
    faults.push(tooDeep(offset, path));
    return empty;
  }
  if (isAlias(node)) {
    faults.push(feature('an alias', offset, path));
    return empty;
  }
  if (node.anchor !== undefined) faults.push(feature('an anchor', offset, path));
  if (node.tag !== undefined) faults.push(feature('a tag', offset, path));
  if (isSeq(node)) {
    const items = node.items.map((item, index) =>
      readNode(item, item.range[0], [...path, index], faults),
    );
    return { offset, keyOffset, content: items };
  }
  if (!isMap(node)) return readScalar(node, keyOffset, path, faults);
  const entries = new Map<string, Tree>();
  for (const { key, value } of node.items) {
    const at = key.range[0];
    const name = readKey(key, path, faults);
    if (name === undefined) continue;
    const inner = [...path, name];
    if (entries.has(name)) faults.push(duplicateKey(name, at, inner));
    entries.set(
      name,
      value === null
        ? { offset: at, keyOffset: at, content: null }
        : readNode(value, at, inner, faults),
    );
  }
  return { offset, keyOffset, content: entries };
}

function readScalar(
  { value, range }: Scalar.Parsed,
  keyOffset: number,
  path: SettingPath,
  faults: Fault[],
): Tree {
  const offset = range[0];
  // Only a tag makes anything else, and a tag is a fault already.
  const content = typeof value === 'object' ? null : (value as Tree['content']);
  const wrong = typeof value === 'number' ? numberFault(value, offset, path) : undefined;
  if (wrong) faults.push(wrong);
  return { offset, keyOffset, content };
}

/** Keys are text; a number, a boolean or null as a key is its spelling. */
function readKey(key: ParsedNode, path: SettingPath, faults: Fault[]): string | undefined {
  if (isScalar(key)) {
    if (key.anchor !== undefined) faults.push(feature('an anchor', key.range[0], path));
    if (key.tag !== undefined) faults.push(feature('a tag', key.range[0], path));
    return typeof key.value === 'string' ? key.value : key.source;
  }
  const what = isAlias(key) ? 'an alias' : 'a key that is a list or an object';
  faults.push(feature(what, key.range[0], path));
  return undefined;
}

function feature(what: string, offset: number, path: SettingPath): Fault {
  return {
    code: 'ORCH_CONFIG_YAML_FEATURE',
    offset,
    path,
    message: `${what} is not allowed in settings; write the value where it is used`,
  };
}

/** The parser's sentences, where they quote nothing of the text; else what its code means. */
const said: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias is not allowed in settings',
  BAD_DIRECTIVE: 'a directive is not allowed in settings',
  BAD_DQ_ESCAPE: 'an escape sequence that YAML does not have',
  TAB_AS_INDENT: 'a tab where indentation belongs; use spaces',
  UNEXPECTED_TOKEN: 'something that cannot stand here',
};

function say(code: string, message: string): string {
  const known = said[code];
  if (known !== undefined) return known;
  return /[:"'`]/.test(message) ? code.toLowerCase().replaceAll('_', ' ') : message;
}
