import type { Finding, Report } from './problem.js';
import type { SourceText, Spot } from './source-text.js';

/** Later syntax errors are mostly echoes of earlier ones. */
const MAX_SYNTAX_PROBLEMS = 20;

/** What the YAML parser says of a fault. */
export interface ParserError {
  readonly code: string;
  readonly message: string;
  /** Offsets of its begin and end. */
  readonly pos: readonly [number, number];
}

/** Free text in which ` #` or `: ` is likely to be meant as text. */
const FREE_TEXT = /^(\s*(?:- )?(?:prompt|system|title|judge): +)([^\s"'|>[{&*!].*)$/;

/**
 * Reports what the YAML parser refused, in the words of the mistake that usually causes it.
 * Returns whether there was anything.
 */
export function reportSyntax(
  source: SourceText,
  errors: readonly ParserError[],
  report: Report,
): boolean {
  const lines = new Set<string>();
  for (const error of errors.slice(0, MAX_SYNTAX_PROBLEMS)) {
    const { spot, finding } = explain(source, error);
    // One mistake on a line gives several parser errors.
    const place = `${spot.line}:${finding.code}`;
    if (!lines.has(place)) report.add(spot, [], finding);
    lines.add(place);
  }
  return errors.length > 0;
}

interface Explained {
  readonly spot: Spot;
  readonly finding: Finding;
}

function explain(source: SourceText, error: ParserError): Explained {
  const spot = source.spotAt(error.pos[0]);
  const start = error.pos[0] - spot.caret;
  const line = spot.excerpt;
  const tab = /^ *\t/.exec(line);
  if (error.code === 'TAB_AS_INDENT' || tab) {
    const message = 'tabs are not allowed as indentation; use spaces';
    const at = tab ? start + line.indexOf('\t') : error.pos[0];
    return { spot: source.spotAt(at), finding: { code: 'ORCH_PLAN_TAB', message } };
  }
  const glob = unquotedGlob(line);
  if (glob !== undefined) {
    const finding = quoteIt('ORCH_PLAN_UNQUOTED_GLOB', glob.text);
    return { spot: source.spotAt(start + glob.at), finding };
  }
  const hole = /[[{,:]\s*(\$\{\{[^}]*\}\})/.exec(line);
  if (hole?.[1] !== undefined) {
    const finding = quoteIt('ORCH_PLAN_UNQUOTED_REFERENCE', hole[1]);
    return { spot: source.spotAt(start + line.indexOf(hole[1])), finding };
  }
  return explainText(source, spot, error);
}

/** A value on this line that starts like a tag or an alias and reads like a glob. */
function unquotedGlob(line: string): { readonly at: number; readonly text: string } | undefined {
  for (const match of line.matchAll(/(?:^|[[,]|[:-]\s)\s*([*!][^\s\]"']*)/g)) {
    const text = (match[1] ?? '').replace(/,$/, '');
    if (text !== '*' && !/[*?./{]/.test(text.slice(1))) continue;
    return { at: match.index + match[0].lastIndexOf(match[1] ?? ''), text };
  }
  return undefined;
}

function explainText(source: SourceText, spot: Spot, error: ParserError): Explained {
  const start = error.pos[0] - spot.caret;
  // A text of several lines breaks on the line after the one that was cut.
  const before = start > 0 ? source.spotAt(start - 1) : spot;
  for (const [line, from] of [
    [spot.excerpt, start],
    [before.excerpt, start - 1 - before.caret],
  ] as const) {
    const [, head, body] = FREE_TEXT.exec(line) ?? [];
    if (head === undefined || body === undefined) continue;
    const cut = body.search(/\s#/);
    if (cut !== -1) {
      const finding = commentFinding(head.trim(), body);
      return { spot: source.spotAt(from + head.length + cut + 1), finding };
    }
    if (/: |:$/.test(body)) {
      const suggestion = `${head.trim()} ${JSON.stringify(body)}`;
      const message = `": " inside an unquoted text starts a mapping; quote it: ${suggestion}`;
      const finding: Finding = { code: 'ORCH_PLAN_SYNTAX', message, suggestion };
      return { spot: source.spotAt(from + head.length), finding };
    }
  }
  const message = error.message.split('\n', 1)[0] ?? error.message;
  return { spot, finding: { code: 'ORCH_PLAN_SYNTAX', message: `not valid YAML: ${message}` } };
}

/** For text that YAML cut off at ` #`; `body` is all of what was meant. */
export function commentFinding(head: string, body: string): Finding {
  const suggestion = `${head} ${JSON.stringify(body.trimEnd())}`;
  return {
    code: 'ORCH_PLAN_UNQUOTED_COMMENT',
    message: `YAML drops what follows " #" in an unquoted text; quote it: ${suggestion}`,
    suggestion,
  };
}

function quoteIt(
  code: 'ORCH_PLAN_UNQUOTED_GLOB' | 'ORCH_PLAN_UNQUOTED_REFERENCE',
  text: string,
): Finding {
  const suggestion = JSON.stringify(text);
  return {
    code,
    message: `YAML does not read ${text} as text; quote it: ${suggestion}`,
    suggestion,
  };
}
