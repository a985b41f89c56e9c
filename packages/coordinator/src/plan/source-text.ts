import type { Position } from '../graph/graph.js';

/** A place to point at: where it is, and the line it is on. */
export interface Spot extends Position {
  /** The source line without its end; of a very long line, the part around the place. */
  readonly excerpt: string;
  /** Where in the excerpt the place is, from 0. */
  readonly caret: number;
}

/** A plan can be one line of a mebibyte; a problem must not carry it. */
const MAX_EXCERPT = 160;

/** The text of one file, addressable by offset. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
  /** The place of a character; offsets beyond the text give its end. */
  readonly spotAt: (offset: number) => Spot;
}

/** Finds lines by binary search, so that a thousand problems in a large plan stay cheap. */
export function createSourceText(file: string, text: string): SourceText {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const lineOf = (offset: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const spotAt = (offset: number): Spot => {
    const at = Math.max(0, Math.min(offset, text.length));
    const line = lineOf(at);
    const start = starts[line] ?? 0;
    const next = starts[line + 1];
    let end = next === undefined ? text.length : next - 1;
    if (text[end - 1] === '\r' && end > start) end--;
    const from = end - start <= MAX_EXCERPT ? start : Math.max(start, at - MAX_EXCERPT / 2);
    const excerpt = text.slice(from, Math.min(end, from + MAX_EXCERPT));
    return { file, line: line + 1, column: at - start + 1, excerpt, caret: at - from };
  };
  return { file, text, spotAt };
}
