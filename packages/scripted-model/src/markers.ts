import { ScriptedModelError } from './errors.js';
import type { Json } from './json.js';
import { describePosition, locateJsonError } from './json-position.js';

const OPEN = '<<<SCRIPT';
const CLOSE = 'SCRIPT>>>';

/** A marker found in a text. `from` and `to` bound it, delimiters included. */
export type Marker =
  | {
      readonly kind: 'inline';
      readonly from: number;
      readonly to: number;
      readonly source: string;
      /** Whether the closing delimiter is there. */
      readonly closed: boolean;
    }
  | {
      readonly kind: 'named';
      readonly from: number;
      readonly to: number;
      readonly name: string;
    };

/**
 * The markers of a text, in order. Inline markers nest: only the outermost count, because what is
 * inside belongs to a conversation that the script will start (a sub-agent's).
 */
export function findMarkers(text: string): readonly Marker[] {
  const markers: Marker[] = [];
  let depth = 0;
  let from = 0;
  for (const found of text.matchAll(/<<<SCRIPT|SCRIPT>>>|\[\[scenario:([\w.-]+)\]\]/g)) {
    const to = found.index + found[0].length;
    if (found[0] === OPEN) {
      if (depth === 0) from = found.index;
      depth += 1;
    } else if (found[0] === CLOSE) {
      if (depth === 1) {
        const source = text.slice(from + OPEN.length, found.index);
        markers.push({ kind: 'inline', from, to, source, closed: true });
      }
      depth = Math.max(0, depth - 1);
    } else if (depth === 0) {
      markers.push({ kind: 'named', from: found.index, to, name: found[1] ?? '' });
    }
  }
  if (depth > 0) {
    const source = text.slice(from + OPEN.length);
    markers.push({ kind: 'inline', from, to: text.length, source, closed: false });
  }
  return markers;
}

/** The text with its markers replaced by what `keep` makes of them, and the rest by `change`. */
export function mapOutsideMarkers(
  text: string,
  change: (part: string) => string,
  keep: (marker: string) => string = (marker) => marker,
): string {
  let result = '';
  let at = 0;
  for (const marker of findMarkers(text)) {
    result += change(text.slice(at, marker.from)) + keep(text.slice(marker.from, marker.to));
    at = marker.to;
  }
  return result + change(text.slice(at));
}

/** The JSON of an inline marker. Throws SCRIPT_INVALID with the position of what is wrong. */
export function parseMarker(marker: Marker & { kind: 'inline' }): Json {
  const { source } = marker;
  if (!marker.closed)
    throw invalid(
      `the marker opened at character ${marker.from} of its message is never closed: expected ${CLOSE}`,
      { position: marker.from },
    );
  const offset = locateJsonError(source);
  if (offset === undefined) return JSON.parse(source) as Json;
  const unquoted = unquote(source);
  if (unquoted !== undefined && locateJsonError(unquoted) === undefined)
    return JSON.parse(unquoted) as Json;
  throw invalid(
    `the marker at character ${marker.from} of its message is not JSON, counted after ${OPEN}: ${describePosition(source, offset)}`,
    { position: offset },
  );
}

// Some agents (OpenCode, for an argument with spaces) hand the prompt on as a JSON string literal.
function unquote(source: string): string | undefined {
  const literal = `"${source}"`;
  return locateJsonError(literal) === undefined ? (JSON.parse(literal) as string) : undefined;
}

function invalid(what: string, details: Readonly<Record<string, unknown>>): ScriptedModelError {
  return new ScriptedModelError('ORCH_SCRIPTED_MODEL_SCRIPT_INVALID', `script: ${what}`, details);
}
