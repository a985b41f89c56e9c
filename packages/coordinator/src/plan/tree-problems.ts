import { isScalar, type Alias, type ParsedNode } from 'yaml';
import type { Json } from '../json.js';
import type { Path } from './path.js';
import type { Report } from './problem.js';
import type { SourceText } from './source-text.js';

/** Refuses `*name`. A glob such as `*.ts` that YAML took for an alias is shown quoted and goes on as text. */
export function reportAlias(
  source: SourceText,
  node: Alias.Parsed,
  path: Path,
  report: Report,
): Json {
  const text = `*${node.source}`;
  const spot = source.spotAt(node.range[0]);
  if (/^[\w-]+$/.test(node.source)) {
    report.add(spot, path, {
      code: 'ORCH_PLAN_ALIAS',
      message: `${text} is a YAML alias; aliases are refused: write the value out, or quote it if it is text`,
      suggestion: JSON.stringify(text),
    });
  } else {
    reportGlob(source, node.range[0], text, 'an alias', path, report);
  }
  return text;
}

/** What stands in for an empty value with a tag. */
export interface Instead {
  readonly text: string;
  readonly offset: number;
}

/**
 * Refuses a tag or an anchor before a value. The return value, where there is one, stands in for
 * what was meant: `!src/**` is an empty value with a tag to YAML, and a glob to the reader.
 */
export function reportProperties(
  source: SourceText,
  node: ParsedNode,
  path: Path,
  report: Report,
): Instead | undefined {
  const anchor = 'anchor' in node ? node.anchor : undefined;
  if (node.tag === undefined && anchor === undefined) return undefined;
  const { offset, text } = propertiesBefore(source.text, node.range[0]);
  if (anchor !== undefined) {
    report.add(source.spotAt(offset), path, {
      code: 'ORCH_PLAN_ALIAS',
      message: `&${anchor} is a YAML anchor; anchors are refused: write the value out, or quote it if it is text`,
    });
    return undefined;
  }
  const isEmpty = isScalar(node) && node.source === '';
  if (isEmpty && /[*?./[]/.test(text)) {
    reportGlob(source, offset, text, 'a tag', path, report);
    return { text, offset };
  }
  const quoted = isEmpty ? text : `${text} ${isScalar(node) ? node.source : '…'}`;
  report.add(source.spotAt(offset), path, {
    code: 'ORCH_PLAN_TAG',
    message: `${text} is a YAML tag; tags are refused: quote it if it is text`,
    ...(isScalar(node) ? { suggestion: JSON.stringify(quoted) } : {}),
  });
  return isEmpty ? { text, offset } : undefined;
}

/** An unquoted glob that YAML reads as something else. */
export function reportGlob(
  source: SourceText,
  offset: number,
  text: string,
  taken: string,
  path: Path,
  report: Report,
): void {
  report.add(source.spotAt(offset), path, {
    code: 'ORCH_PLAN_UNQUOTED_GLOB',
    message: `YAML reads ${text} as ${taken}; quote it: ${JSON.stringify(text)}`,
    suggestion: JSON.stringify(text),
  });
}

/**
 * The tag and anchor right before a node. They are at most a line long. They are looked for from their end, each
 * character once: before them may stand a comment, which is anybody's text, and there are as many nodes as one likes.
 */
function propertiesBefore(text: string, end: number): { offset: number; text: string } {
  const least = Math.max(0, end - 1024);
  let offset = end;
  for (;;) {
    const wordEnd = backWhile(/\s/, text, offset, least);
    const start = backWhile(/[^\s,[\]{}]/, text, wordEnd, least);
    if (start === wordEnd || !/[!&]/.test(text.charAt(start))) break;
    if (start > least && !/[\s[{,]/.test(text.charAt(start - 1))) break;
    offset = start;
  }
  return { offset, text: text.slice(offset, end).trim() };
}

/** Where the characters of a kind begin that end at `at`. */
function backWhile(kind: RegExp, text: string, at: number, least: number): number {
  while (at > least && kind.test(text.charAt(at - 1))) at--;
  return at;
}
