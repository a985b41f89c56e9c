import { readFileSync, statSync } from 'node:fs';
import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import type { ConfigProblem } from './problem.js';

/** A JSON file with the places of what is in it. */
export interface JsonDocument {
  readonly root: Node | undefined;
  /** Notes what is wrong at a node. */
  readonly problem: (
    severity: ConfigProblem['severity'],
    at: Node,
    message: string,
    server?: string,
  ) => void;
}

const mostBytes = 64 * 1024 * 1024;

/** Reads a file. Without one there is no root, and no problem. Notes all faults of its syntax. */
export function readDocument(source: string, problems: ConfigProblem[]): JsonDocument {
  let text = '';
  const note = (
    severity: ConfigProblem['severity'],
    offset: number,
    message: string,
    server?: string,
  ): void => {
    problems.push({
      severity,
      source,
      ...positionOf(text, offset),
      ...(server !== undefined && { server }),
      message,
    });
  };
  const document = (root: Node | undefined): JsonDocument => ({
    root,
    problem: (severity, at, message, server) => note(severity, at.offset, message, server),
  });
  try {
    const stats = statSync(source);
    if (!stats.isFile() || stats.size > mostBytes) {
      note('error', 0, `This is no file of at most ${mostBytes} bytes.`);
      return document(undefined);
    }
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(source));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') note('error', 0, `This cannot be read (${code ?? message}).`);
    return document(undefined);
  }
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch {
    // The parser is recursive, and there is an end to its stack.
    note('error', 0, 'It is nested too deeply.');
    return document(undefined);
  }
  for (const { error, offset } of errors)
    note(
      'error',
      offset,
      `This is no JSON: ${said[printParseErrorCode(error)] ?? 'it is not complete'}.`,
    );
  if (errors.length > 0) return document(undefined);
  if (root?.type === 'object') return document(root);
  note('error', 0, 'Expected an object.');
  return document(undefined);
}

const said: Readonly<Record<string, string>> = {
  InvalidSymbol: 'it has a word that JSON does not know',
  InvalidNumberFormat: 'a number is not complete',
  PropertyNameExpected: 'expected a key in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected : after the key',
  CommaExpected: 'expected a comma',
  CloseBraceExpected: 'expected }',
  CloseBracketExpected: 'expected ]',
  EndOfFileExpected: 'expected the end of the file',
  InvalidCommentToken: 'it has no comments; take this one out',
  UnexpectedEndOfString: 'a text does not end',
};

function positionOf(
  text: string,
  offset: number,
): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}

/** The entries of an object, each with the node of its key; one key twice is noted, and the last counts. */
export function entriesOf(
  { problem }: JsonDocument,
  node: Node,
  server?: string,
): ReadonlyMap<string, { readonly key: Node; readonly value: Node }> {
  const entries = new Map<string, { key: Node; value: Node }>();
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (key === undefined || value === undefined) continue;
    const name = String(key.value);
    if (entries.has(name))
      problem('error', key, `${JSON.stringify(name)} stands here twice; take one out.`, server);
    entries.set(name, { key, value });
  }
  return entries;
}
