import { validateHeaderName, validateHeaderValue } from 'node:http';
import { messageOf } from './errors.js';
import { isObject } from './json.js';
import type { Json, JsonObject } from './json.js';
import {
  COUNT,
  optionalString,
  readInteger,
  readObject,
  readString,
  refuse,
} from './value-reader.js';

/** An HTTP error after validation. `type` undefined: the dialect's own for that status. */
export interface CheckedError {
  readonly status: number;
  readonly type: string | undefined;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly times: number;
}

/** An error event inside a stream after validation. */
export interface CheckedStreamError {
  readonly after: number;
  readonly type: string | undefined;
  readonly message: string;
  readonly times: number;
}

/** A cut connection after validation. */
export interface CheckedCut {
  readonly after: number;
  readonly times: number;
}

/** Silence after validation. */
export interface CheckedHang {
  readonly times: number;
}

/** Reads response headers. */
export function readHeaders(
  value: Json | undefined,
  path: string,
): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isObject(value)) return refuse(path, 'an object of header values', value);
  return Object.fromEntries(
    Object.entries(value).map(([name, header]) => {
      const text = readString(header, `${path}.${name}`);
      try {
        validateHeaderName(name);
        validateHeaderValue(name, text);
      } catch (error) {
        refuse(`${path}.${name}`, `a valid HTTP header (${messageOf(error)})`, text);
      }
      return [name, text];
    }),
  );
}

function readTimes(fault: JsonObject, path: string): number {
  const times = fault['times'];
  return times === undefined ? Infinity : readInteger(times, `${path}.times`, COUNT);
}

/** Reads `error`. Throws SCRIPT_INVALID, as all readers here. */
export function readError(value: Json | undefined, path: string): CheckedError | undefined {
  if (value === undefined) return undefined;
  const error = readObject(value, path, ['status', 'type', 'message', 'headers', 'times']);
  return {
    status: readInteger(error['status'] ?? 500, `${path}.status`, { min: 400, max: 599 }),
    type: optionalString(error, 'type', path),
    message: optionalString(error, 'message', path) ?? 'scripted error',
    headers: readHeaders(error['headers'], `${path}.headers`),
    times: readTimes(error, path),
  };
}

/** Reads `streamError`. */
export function readStreamError(
  value: Json | undefined,
  path: string,
): CheckedStreamError | undefined {
  if (value === undefined) return undefined;
  const error = readObject(value, path, ['after', 'type', 'message', 'times']);
  return {
    after: readInteger(error['after'] ?? 1, `${path}.after`, COUNT),
    type: optionalString(error, 'type', path),
    message: optionalString(error, 'message', path) ?? 'scripted stream error',
    times: readTimes(error, path),
  };
}

/** Reads `cut`. */
export function readCut(value: Json | undefined, path: string): CheckedCut | undefined {
  if (value === undefined) return undefined;
  const cut = readObject(value, path, ['after', 'times']);
  return {
    after: readInteger(cut['after'] ?? 0, `${path}.after`, COUNT),
    times: readTimes(cut, path),
  };
}

/** Reads `hang`. */
export function readHang(value: Json | undefined, path: string): CheckedHang | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return { times: Infinity };
  return { times: readTimes(readObject(value, path, ['times']), path) };
}
