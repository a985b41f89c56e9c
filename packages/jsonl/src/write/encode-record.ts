import { JsonlError, reasonOf } from '../errors.js';
import { isWellFormed, makeWellFormed } from './well-formed.js';

/** How values become lines. */
export interface Encoding {
  /** Given each line before it is written; what it returns is written instead. */
  readonly redact: ((line: string) => string) | undefined;
  /** Records are sealed with a `hash` property, so they must be objects without one. */
  readonly chained: boolean;
}

/** From this length on a line is well-formed when it is encoded; shorter ones are looked through together. */
export const longLine = 4096;

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
 * One line, without its newline. Half surrogate pairs may still be in it if it is shorter than
 * `longLine`.
 *
 * @throws TypeError when the value cannot be written. @throws JsonlError `ORCH_JSONL_REDACTION_INVALID`
 */
export function encodeRecord(value: unknown, encoding: Encoding): string {
  const line = stringify(value);
  const isFine = line.length >= longLine && isWellFormed(value, line);
  const { redact, chained } = encoding;
  let kept = line;
  if (!isFine && (redact !== undefined || line.length >= longLine)) kept = makeWellFormed(line);
  if (redact !== undefined) kept = applyRedaction(kept, redact);
  if (chained) checkSealable(kept);
  return kept;
}
