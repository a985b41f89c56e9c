import { Composer, Lexer, Parser, type CST, type Document } from 'yaml';
import type { Json } from '../json.js';
import { createLocations, type Locations } from './locations.js';
import type { Report } from './problem.js';
import type { SourceText } from './source-text.js';
import { reportSyntax } from './syntax-problems.js';
import { MAX_DEPTH, readTree } from './read-tree.js';

/** Longest plan, prompt or schema file, in characters. */
export const MAX_CHARACTERS = 1024 * 1024;

/** More lexical tokens than any plan needs; a cheap end for text made to be slow. */
const MAX_TOKENS = 200_000;

/**
 * The parser's stack grows by one or two per level. It is watched while the text is read, because
 * the step after it is recursive and can exhaust the stack of the whole process.
 */
const MAX_STACK = 2 * MAX_DEPTH + 8;

/** A parsed file: its value, and where each part of it stands. */
export interface ParsedYaml {
  readonly value: Json;
  readonly locations: Locations;
}

/** Reads YAML 1.2 or JSON within bounds. `undefined`: nothing usable; the report says why. */
export function parseYaml(source: SourceText, report: Report): ParsedYaml | undefined {
  if (!isReadable(source, report)) return undefined;
  const tokens = tokenize(source, report);
  if (tokens === undefined) return undefined;
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    // Checked by our own walk, in linear time.
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const documents = [...composer.compose(tokens, true, source.text.length)];
  const [document, second] = documents;
  if (second !== undefined) {
    report.add(source.spotAt(second.range[0]), [], {
      code: 'ORCH_PLAN_MULTIPLE_DOCUMENTS',
      message: 'expected one document, found another one after ---; write one plan per file',
    });
    return undefined;
  }
  if (document === undefined || reportSyntax(source, document.errors, report)) return undefined;
  return createLocationsOf(source, document, report);
}

function createLocationsOf(
  source: SourceText,
  document: Document.Parsed,
  report: Report,
): ParsedYaml | undefined {
  const tree = readTree(source, document.contents, report);
  return tree && { value: tree.value, locations: createLocations(source, tree.places) };
}

function isReadable(source: SourceText, report: Report): boolean {
  if (source.text.length > MAX_CHARACTERS) {
    report.add(source.spotAt(0), [], {
      code: 'ORCH_PLAN_TOO_LARGE',
      message: `expected at most ${MAX_CHARACTERS} characters, received ${source.text.length}`,
    });
    return false;
  }
  const control = source.text.search(/[^\P{Cc}\t\n\r]/u);
  if (control === -1) return true;
  const code = source.text.charCodeAt(control).toString(16).toUpperCase().padStart(4, '0');
  report.add(source.spotAt(control), [], {
    code: 'ORCH_PLAN_CONTROL_CHARACTER',
    message: `the control character U+${code} is not allowed in a plan`,
  });
  return false;
}

function tokenize(source: SourceText, report: Report): CST.Token[] | undefined {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let count = 0;
  for (const lexeme of new Lexer().lex(source.text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > MAX_STACK) {
      report.add(source.spotAt(parser.offset), [], {
        code: 'ORCH_PLAN_TOO_DEEP',
        message: `expected at most ${MAX_DEPTH} levels of nesting, received more`,
      });
      return undefined;
    }
    if (++count > MAX_TOKENS) {
      report.add(source.spotAt(parser.offset), [], {
        code: 'ORCH_PLAN_TOO_LARGE',
        message: `expected at most ${MAX_TOKENS} YAML tokens, received more`,
      });
      return undefined;
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}
