import type { Json } from '../json.js';
import { matchAt, parsePath, type ParseFault, type RawPath } from './parse-path.js';

/** A condition as written, with offsets. */
export type RawCondition =
  | { readonly op: 'literal'; readonly value: Json; readonly offset: number }
  | { readonly op: 'path'; readonly path: RawPath; readonly text: string; readonly offset: number }
  | {
      readonly op: BinaryOperator;
      readonly left: RawCondition;
      readonly right: RawCondition;
      readonly offset: number;
    }
  | { readonly op: '!' | 'size'; readonly of: RawCondition; readonly offset: number };

export type BinaryOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | '&&' | '||';

const MAX_LENGTH = 2000;
const MAX_NESTING = 50;

/**
 * Parses `a.b == 'x' && (size(a.files) > 2 || !a.done)`. From loose to tight: `||`, `&&`, one
 * comparison, `!`. Literals are numbers, `'texts'`, `"texts"`, `true`, `false`, `null` and lists of
 * these.
 */
export function parseCondition(text: string): RawCondition | ParseFault {
  if (text.length > MAX_LENGTH) {
    return { fault: `expected at most ${MAX_LENGTH} characters`, offset: MAX_LENGTH };
  }
  const parser = createParser(text);
  try {
    const condition = parser.parseOr(0);
    parser.expectEnd();
    return condition;
  } catch (stop) {
    if (stop instanceof Stop) return { fault: stop.message, offset: stop.offset };
    throw stop;
  }
}

/** Unwinds the parser; never leaves this file. */
class Stop extends Error {
  readonly offset: number;

  constructor(fault: string, offset: number) {
    super(fault);
    this.offset = offset;
  }
}

const COMPARISON = /==|!=|<=|>=|<|>|in(?![\w-])/y;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.-])/y;
const TEXT = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/y;
const WORD = /(?:true|false|null)(?![\w.[-])/y;
const SIZE = /size\s*\(/y;

interface Parser {
  readonly parseOr: (depth: number) => RawCondition;
  readonly expectEnd: () => void;
}

function createParser(text: string): Parser {
  let at = 0;

  const skip = (): void => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  const take = (mark: string): boolean => {
    skip();
    if (!text.startsWith(mark, at)) return false;
    at += mark.length;
    return true;
  };
  const match = (pattern: RegExp): RegExpExecArray | null => {
    const found = matchAt(pattern, text, at);
    if (found !== null) at += found[0].length;
    return found;
  };

  const parseChain = (
    operator: '||' | '&&',
    parsePart: (depth: number) => RawCondition,
    depth: number,
  ): RawCondition => {
    let left = parsePart(depth);
    for (;;) {
      skip();
      const offset = at;
      if (!take(operator)) return left;
      left = { op: operator, left, right: parsePart(depth), offset };
    }
  };
  const parseOr = (depth: number): RawCondition => parseChain('||', parseAnd, depth);
  const parseAnd = (depth: number): RawCondition => parseChain('&&', parseComparison, depth);

  const parseComparison = (depth: number): RawCondition => {
    const left = parseUnary(depth);
    skip();
    const offset = at;
    const operator = match(COMPARISON)?.[0];
    if (operator === undefined) return left;
    const right = parseUnary(depth);
    skip();
    const again = matchAt(COMPARISON, text, at);
    if (again !== null) throw new Stop('comparisons do not chain; use && or parentheses', at);
    return { op: operator as BinaryOperator, left, right, offset };
  };

  const parseUnary = (depth: number): RawCondition => {
    skip();
    const offset = at;
    if (depth > MAX_NESTING) throw new Stop(`nested deeper than ${MAX_NESTING} levels`, offset);
    if (take('!')) return { op: '!', of: parseUnary(depth + 1), offset };
    if (take('(')) {
      const inner = parseOr(depth + 1);
      if (!take(')')) throw new Stop('expected )', at);
      return inner;
    }
    if (match(SIZE) !== null) {
      const of = parseOr(depth + 1);
      if (!take(')')) throw new Stop('expected )', at);
      return { op: 'size', of, offset };
    }
    if (text[at] === '[') return { op: 'literal', value: parseList(), offset };
    const literal = parseLiteral();
    return literal === undefined ? parseReference() : { op: 'literal', value: literal, offset };
  };

  const parseLiteral = (): Json | undefined => {
    const number = match(NUMBER);
    if (number !== null) {
      const value = Number(number[0]);
      if (Number.isFinite(value)) return value;
      throw new Stop('expected a finite number', at - number[0].length);
    }
    const quoted = match(TEXT);
    if (quoted !== null) return (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/gs, '$1');
    const word = match(WORD);
    return word === null ? undefined : (JSON.parse(word[0]) as Json);
  };

  const parseList = (): Json => {
    const items: Json[] = [];
    at++;
    if (take(']')) return items;
    for (;;) {
      skip();
      const item = parseLiteral();
      if (item === undefined) throw new Stop('expected a literal in the list', at);
      items.push(item);
      if (take(']')) return items;
      if (!take(',')) throw new Stop('expected , or ]', at);
    }
  };

  const parseReference = (): RawCondition => {
    const offset = at;
    if (text.startsWith('${{', at)) {
      throw new Stop('a condition takes paths as they are, without ${{ }}', at);
    }
    if (text[at] === "'" || text[at] === '"') throw new Stop('the text is not closed', at);
    const path = parsePath(text, at);
    if ('fault' in path) {
      throw new Stop(at >= text.length ? 'the condition ends too early' : path.fault, path.offset);
    }
    at = path.end;
    skip();
    if (text[at] === '(') {
      throw new Stop(
        `there is no function ${text.slice(offset, path.end)}; size() is the only one`,
        offset,
      );
    }
    return { op: 'path', path, text: text.slice(offset, path.end), offset };
  };

  const expectEnd = (): void => {
    skip();
    if (at >= text.length) return;
    const rest = text.slice(at);
    if (/^=(?!=)/.test(rest)) throw new Stop('expected ==, received =', at);
    if (/^[&|]/.test(rest)) throw new Stop('expected && or ||', at);
    if (/^(and|or|not)\b/.test(rest)) throw new Stop('expected &&, || or !', at);
    throw new Stop('expected the end of the condition, && or ||', at);
  };

  return { parseOr, expectEnd };
}
