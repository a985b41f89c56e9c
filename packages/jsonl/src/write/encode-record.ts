import { JsonlError, reasonOf } from '../errors.js';

/** How values become lines. */
export interface Encoding {
  /** Given each line before it is written; what it returns is written instead. */
  readonly redact: ((line: string) => string) | undefined;
  /** Records are sealed with a `hash` property, so they must be objects without one. */
  readonly chained: boolean;
}

/** An escaped pair, which is fine; a lone surrogate; or any other escape, so that `\\ud800` is not taken for one. */
const escapes = /\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(\\ud[89a-f][0-9a-f]{2})|\\[^]/gi;

/** JSON.stringify writes half a surrogate pair as `\ud83d`, which many programs refuse to read. Takes lines of JSON. */
export function makeWellFormed(lines: string): string {
  if (!lines.includes('\\ud')) return lines;
  return lines.replace(escapes, (found: string, lone: string | undefined) =>
    lone === undefined ? found : '\ufffd',
  );
}

/** As it is: the declared type leaves out that undefined and functions give undefined. */
const toJson: (value: unknown) => string | undefined = JSON.stringify;

function stringify(value: unknown): string {
  let line: string | undefined;
  try {
    line = toJson(value);
  } catch (cause) {
    const message = `A record must be a value that JSON can hold: ${reasonOf(cause)}`;
    throw new TypeError(message, { cause });
  }
  if (line !== undefined) return line;
  throw new TypeError(
    `A record must be a value that JSON can hold, received ${value === undefined ? 'undefined' : `a ${typeof value}`}`,
  );
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

/**
 * One line, without its newline; half surrogate pairs may still be in it, unless it was redacted.
 *
 * @throws TypeError when the value cannot be written. @throws JsonlError `ORCH_JSONL_REDACTION_INVALID`
 */
export function encodeRecord(value: unknown, encoding: Encoding): string {
  const line = stringify(value);
  const redacted =
    encoding.redact === undefined ? line : applyRedaction(makeWellFormed(line), encoding.redact);
  if (encoding.chained) checkSealable(redacted);
  return redacted;
}
