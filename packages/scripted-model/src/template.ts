import { isObject } from './json.js';
import type { Json } from './json.js';
import { messageOf } from './errors.js';
import { mapOutsideMarkers } from './markers.js';
import { refuse } from './value-reader.js';

/** What placeholders are replaced by. */
export interface TemplateValues {
  readonly lastToolResult: string;
  readonly prompt: string;
  readonly model: string;
  readonly turn: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The whole conversation as text, where `{{match:...}}` looks last. */
  readonly conversation: string;
}

// The last `}}` of a run closes, so that a pattern may end in `{2}`.
const PLACEHOLDER =
  /\{\{(?:(lastToolResult|prompt|model|turn)|env:(\w+)|match:([\s\S]+?))\}\}(?!\})/g;
const LONGEST_PATTERN = 200;
const LONGEST_SEARCHED = 200_000;

/** Refuses patterns that are too long or are no regular expression, anywhere inside a turn. */
export function checkTemplates(value: Json, path: string): void {
  visitStrings(value, path, (whole, at) => {
    // What stands inside a nested marker is the nested script's business.
    const text = mapOutsideMarkers(
      whole,
      (part) => part,
      () => '',
    );
    for (const [, , , pattern] of text.matchAll(PLACEHOLDER)) {
      if (pattern === undefined) continue;
      if (pattern.length > LONGEST_PATTERN)
        refuse(at, `{{match:...}} of at most ${LONGEST_PATTERN} characters`, pattern);
      try {
        new RegExp(pattern, 's');
      } catch (error) {
        refuse(at, `a regular expression in {{match:...}} (${messageOf(error)})`, pattern);
      }
    }
  });
}

function visitStrings(
  value: Json,
  path: string,
  visit: (text: string, path: string) => void,
): void {
  if (typeof value === 'string') visit(value, path);
  else if (Array.isArray(value))
    (value as readonly Json[]).forEach((item, index) =>
      visitStrings(item, `${path}[${index}]`, visit),
    );
  else if (isObject(value))
    for (const [key, item] of Object.entries(value)) visitStrings(item, `${path}.${key}`, visit);
}

/**
 * Replaces the placeholders of one text, once: what is inserted is not expanded again. Nested
 * markers stay as they are, so that their placeholders mean the conversation they script.
 */
export function renderText(text: string, values: TemplateValues): string {
  return mapOutsideMarkers(text, (part) => renderPart(part, values));
}

function renderPart(text: string, values: TemplateValues): string {
  return text.replaceAll(
    PLACEHOLDER,
    (
      _whole,
      name: string | undefined,
      variable: string | undefined,
      pattern: string | undefined,
    ) =>
      variable !== undefined
        ? (values.environment[variable] ?? '')
        : pattern !== undefined
          ? findMatch(pattern, values)
          : String(values[name as 'lastToolResult' | 'prompt' | 'model' | 'turn']),
  );
}

function findMatch(pattern: string, values: TemplateValues): string {
  const expression = new RegExp(pattern, 's');
  for (const text of [values.lastToolResult, values.conversation]) {
    const match = expression.exec(text.slice(-LONGEST_SEARCHED));
    if (match) return match[1] ?? match[0];
  }
  return '';
}

/** The same for every string inside a value; keys stay as they are. */
export function renderJson(value: Json, values: TemplateValues): Json {
  if (typeof value === 'string') return renderText(value, values);
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item) => renderJson(item, values));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, renderJson(item, values)]),
  );
}
