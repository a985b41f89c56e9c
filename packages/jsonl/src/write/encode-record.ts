import { JsonlError } from '../errors.js';
import { createJsonEncoder } from './encode-json.js';
import { firstLine, LineBytes, type LineEncoder } from './line-bytes.js';
import { makeWellFormed } from './well-formed.js';
import { notHoldable, stringifyFailed } from './writer-errors.js';

/** How values become lines. */
export interface Encoding {
  /** Given each line before it is written; what it returns is written instead. */
  readonly redact: ((line: string) => string) | undefined;
  /** Records are sealed with a `hash` property, so they must be objects without one. */
  readonly chained: boolean;
}

/** As it is: the declared type leaves out that undefined and functions give undefined. */
const toJson: (value: unknown) => string | undefined = JSON.stringify;

function stringify(value: unknown): string {
  let line: string | undefined;
  try {
    line = toJson(value);
  } catch (cause) {
    throw stringifyFailed(cause);
  }
  if (line === undefined) throw notHoldable(value);
  return makeWellFormed(line);
}

function applyRedaction(line: string, redact: (line: string) => string): string {
  const redacted: unknown = redact(line);
  if (redacted === line) return line;
  if (typeof redacted === 'string') {
    try {
      // Written anew, so that white space and escapes of the redactor's cannot matter to the file.
      return makeWellFormed(JSON.stringify(JSON.parse(redacted)));
    } catch {
      // Neither the text nor the parser's message is shown: either may hold the secret.
    }
  }
  throw new JsonlError(
    'ORCH_JSONL_REDACTION_INVALID',
    'redact must return JSON; what it returned was not written, and neither was the record',
    { received: typeof redacted },
  );
}

function checkSealable(line: string): void {
  if (!line.startsWith('{')) {
    throw new TypeError(
      'A record of a chained file must be an object, as the seal is a property of it',
    );
  }
  if (!line.includes('"hash"')) return;
  if (Object.hasOwn(JSON.parse(line) as object, 'hash')) {
    throw new TypeError(
      'A record of a chained file must not have a property "hash": it is the seal',
    );
  }
}

function encodeText(value: unknown, { redact, chained }: Encoding): string {
  const line = stringify(value);
  const kept = redact === undefined ? line : applyRedaction(line, redact);
  if (chained) checkSealable(kept);
  return kept;
}

/** Makes lines of texts, for what has to see them, and for a record that is appended by a getter of another. */
function createTextEncoder(encoding: Encoding): LineEncoder<unknown> {
  let idle: LineBytes | undefined;
  function encode(values: readonly unknown[]): LineBytes {
    const lines = idle ?? new LineBytes();
    idle = undefined;
    lines.end = firstLine;
    for (const value of values) lines.addLine(encodeText(value, encoding));
    if (lines.isKept) idle = lines;
    return lines;
  }
  return { one: (value) => encode([value]), all: encode };
}

/**
 * How records become lines.
 *
 * @throws (the encoder) TypeError when a value cannot be written; JsonlError `ORCH_JSONL_REDACTION_INVALID`
 */
export function createEncoder(encoding: Encoding): LineEncoder<unknown> {
  const texts = createTextEncoder(encoding);
  const isPlain = encoding.redact === undefined && !encoding.chained;
  return isPlain ? createJsonEncoder(texts) : texts;
}
