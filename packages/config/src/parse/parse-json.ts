import {
  createScanner,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError,
} from 'jsonc-parser';
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

export interface JsonDialect {
  /** Comments and trailing commas. */
  readonly comments: boolean;
  /** A key that stands twice: a fault, or the last one counts as `JSON.parse` has it. */
  readonly duplicates: 'fault' | 'last';
}

/** Reads JSON or JSONC with positions. All faults of the syntax at once. */
export function parseJson(text: string, { comments, duplicates }: JsonDialect): Parsed {
  const deep = depthFault(text);
  if (deep) return { tree: undefined, faults: [deep] };
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, {
    disallowComments: !comments,
    allowTrailingComma: comments,
    allowEmptyContent: comments,
  });
  const faults = errors.map((error) => syntaxFault(error));
  if (root === undefined || faults.length > 0) {
    return { tree: undefined, faults };
  }
  const tree = readNode(root, root.offset, [], duplicates, faults);
  return { tree, faults };
}

/** The parser is recursive: text that would exhaust its stack is refused before. */
function depthFault(text: string): Fault | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  const next = (): number => scanner.scan();
  for (let token = next(); token !== endOfText; token = next()) {
    if (token === openBrace || token === openBracket) depth += 1;
    else if (token === closeBrace || token === closeBracket) depth -= 1;
    if (depth > maxDepth) return tooDeep(scanner.getTokenOffset(), []);
  }
  return undefined;
}

// `SyntaxKind` of the parser is a const enum, which is not there at run time.
const openBrace = 1;
const closeBrace = 2;
const openBracket = 3;
const closeBracket = 4;
const endOfText = 17;

function readNode(
  node: Node,
  keyOffset: number,
  path: SettingPath,
  duplicates: JsonDialect['duplicates'],
  faults: Fault[],
): Tree {
  const { offset } = node;
  if (node.type === 'array') {
    const items = (node.children ?? []).map((child, index) =>
      readNode(child, child.offset, [...path, index], duplicates, faults),
    );
    return { offset, keyOffset, content: items };
  }
  if (node.type === 'object') {
    const entries = new Map<string, Tree>();
    for (const property of node.children ?? []) {
      const [keyNode, valueNode] = property.children ?? [];
      if (keyNode === undefined || valueNode === undefined) continue;
      const key = String(keyNode.value);
      const inner = [...path, key];
      if (entries.has(key) && duplicates === 'fault') {
        faults.push(duplicateKey(key, keyNode.offset, inner));
      }
      entries.set(key, readNode(valueNode, keyNode.offset, inner, duplicates, faults));
    }
    return { offset, keyOffset, content: entries };
  }
  const value = node.value as Tree['content'];
  const wrong = typeof value === 'number' ? numberFault(value, offset, path) : undefined;
  if (wrong) faults.push(wrong);
  return { offset, keyOffset, content: value };
}

/** By what `printParseErrorCode` calls it. */
const said: Readonly<Record<string, string>> = {
  InvalidSymbol: 'expected a value, received a word that JSON does not have',
  InvalidNumberFormat: 'expected a number, received one that is not complete',
  PropertyNameExpected: 'expected a key in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected : after the key',
  CommaExpected: 'expected a comma',
  CloseBraceExpected: 'expected }',
  CloseBracketExpected: 'expected ]',
  EndOfFileExpected: 'expected the end of the file after the value',
  InvalidCommentToken: 'a comment is not JSON; name the file .jsonc, or take it out',
  UnexpectedEndOfComment: 'a comment does not end',
  UnexpectedEndOfString: 'a text does not end; expected " on the same line',
  UnexpectedEndOfNumber: 'a number does not end',
  InvalidUnicode: 'expected four hexadecimal digits after \\u',
  InvalidEscapeCharacter: 'after \\ expected one of " \\ / b f n r t u',
  InvalidCharacter: 'a control character has to be escaped',
};

function syntaxFault({ error, offset }: ParseError): Fault {
  const name = printParseErrorCode(error);
  return { code: 'ORCH_CONFIG_SYNTAX', offset, path: [], message: said[name] ?? name };
}
