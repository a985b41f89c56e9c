import { parsePath, type ParseFault, type RawPath } from './parse-path.js';

/** A reference as written, before anybody asked what it refers to. */
export interface RawReference extends RawPath {
  /** With its braces: `${{ a.b }}`. */
  readonly text: string;
  /** Offset of the first key. */
  readonly offset: number;
}

export interface RawTemplate {
  readonly parts: readonly (string | RawReference)[];
  readonly faults: readonly ParseFault[];
}

/**
 * Takes text apart at its `${{ path }}`. `$${{` is a literal `${{`. Everything else in the text,
 * `{{ x }}` and `$NAME` included, is text.
 */
export function parseTemplate(text: string): RawTemplate {
  const parts: (string | RawReference)[] = [];
  const faults: ParseFault[] = [];
  let literal = '';
  let at = 0;
  for (;;) {
    const open = text.indexOf('${{', at);
    if (open === -1) break;
    if (open > at && text[open - 1] === '$') {
      literal += `${text.slice(at, open - 1)}\${{`;
      at = open + 3;
      continue;
    }
    literal += text.slice(at, open);
    const close = text.indexOf('}}', open + 3);
    if (close === -1) {
      faults.push({ fault: '${{ is not closed; write $${{ for a literal one', offset: open });
      return { parts: [...parts, literal], faults };
    }
    const found = parseHole(text, open, close);
    if ('fault' in found) {
      faults.push(found);
    } else {
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(found);
    }
    at = close + 2;
  }
  literal += text.slice(at);
  return { parts: literal === '' ? parts : [...parts, literal], faults };
}

function parseHole(text: string, open: number, close: number): RawReference | ParseFault {
  const inner = text.slice(open + 3, close);
  const offset = open + 3 + (inner.length - inner.trimStart().length);
  if (inner.trim() === '') return { fault: 'expected a path between ${{ and }}', offset: open };
  const path = parsePath(text, offset);
  if ('fault' in path) return path;
  if (text.slice(path.end, close).trim() !== '') {
    return {
      fault:
        'only a path may stand between ${{ and }}; write $${{ if this is text for somebody else',
      offset: path.end,
    };
  }
  return { ...path, offset, text: text.slice(open, close + 2) };
}
