import { closeSync, openSync, writeSync } from 'node:fs';
import type { AuthKind } from './credentials.js';
import type { DialectName } from './dialects/dialect.js';
import { messageOf, ScriptedModelError } from './errors.js';
import type { Json } from './json.js';

/** One model request, as it was received. Header values are never in it. */
export interface LoggedRequest {
  /** Counts from 1 in the order of arrival. */
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly method: string;
  /** Path and query, without credentials. */
  readonly url: string;
  readonly dialect: DialectName;
  readonly model: string;
  readonly stream: boolean;
  /** A scenario's name, `inline:` and 8 hex digits, `fallback`, `default`, `built-in`, `invalid`. */
  readonly scenario: string;
  /** Which turn of the script answers, from 0. */
  readonly turn: number;
  /** How often this turn of this conversation was asked for, from 1. */
  readonly attempt: number;
  /** The agent's session id, else `prompt:` and a hash of its first messages. */
  readonly conversation: string;
  /** SHA-256, hex, of all user, assistant and tool texts: equal = the same question again. */
  readonly promptHash: string;
  /** SHA-256, hex, of the first user message. */
  readonly firstPromptHash: string;
  readonly auth: AuthKind;
  /** How many messages (Responses: items) the request carries. */
  readonly messages: number;
  /** Names of the tools offered. */
  readonly tools: readonly string[];
  /** The last user message, at most 300 characters. */
  readonly lastUser: string;
  /** The last tool result, at most 300 characters. */
  readonly lastTool: string;
  /** Why the request was refused, when its script is not valid. */
  readonly problem?: string;
  /** The request itself, without credentials; only with `record: 'full'`. */
  readonly body?: Json;
  /** Absent while open; then whether the whole answer was handed over. */
  readonly finished?: boolean;
}

/** What an open request is waiting for. */
export type Waiting = 'hold' | 'file' | 'barrier' | 'delay' | 'hang' | 'client';

/** A request that is not answered yet, and why. */
export type OpenRequest = LoggedRequest & { readonly waiting: Waiting };

/** A request that asked for no model's answer: a probe, a list of models, a path nobody knows. */
export interface OtherRequest {
  readonly at: number;
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly auth: AuthKind;
}

/** A request in the log while it is being answered. */
export interface LogEntry {
  readonly request: LoggedRequest;
  waitFor(waiting: Waiting): void;
  finish(whole: boolean): void;
}

/** Requests in the order of arrival: in memory, and as JSON Lines in a file. */
export interface RequestLog {
  readonly requests: readonly LoggedRequest[];
  readonly others: readonly OtherRequest[];
  listOpen(): readonly OpenRequest[];
  /** In the file when it returns. Throws LOG_FAILED. */
  add(request: Omit<LoggedRequest, 'id' | 'finished'>): LogEntry;
  addOther(request: OtherRequest): void;
  /** Forgets what is in memory; the file keeps every line. */
  clear(): void;
  close(): void;
}

/** Throws LOG_FAILED when the file cannot be opened. */
export function createRequestLog(file: string | undefined): RequestLog {
  const requests: LoggedRequest[] = [];
  const others: OtherRequest[] = [];
  const open = new Map<LoggedRequest, Waiting>();
  let count = 0;
  let descriptor = file === undefined ? undefined : openLog(file);

  return {
    requests,
    others,
    listOpen: () => [...open].map(([request, waiting]) => ({ ...request, waiting })),
    add(received) {
      count += 1;
      const request: LoggedRequest & { finished?: boolean } = { id: count, ...received };
      if (descriptor !== undefined) append(descriptor, file ?? '', JSON.stringify(request));
      requests.push(request);
      open.set(request, 'client');
      return {
        request,
        waitFor: (waiting) => void open.set(request, waiting),
        finish(whole) {
          if (!open.delete(request)) return;
          request.finished = whole;
        },
      };
    },
    addOther: (request) => void others.push(request),
    clear() {
      requests.length = 0;
      others.length = 0;
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

function openLog(file: string): number {
  try {
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw logFailed(file, 'opened', error);
  }
}

function append(descriptor: number, file: string, line: string): void {
  try {
    writeSync(descriptor, `${line}\n`);
  } catch (error) {
    throw logFailed(file, 'appended to', error);
  }
}

function logFailed(file: string, what: string, cause: unknown): ScriptedModelError {
  return new ScriptedModelError(
    'ORCH_SCRIPTED_MODEL_LOG_FAILED',
    `the request log ${file} could not be ${what}: ${messageOf(cause)}; give a path in an existing, writable directory`,
    { file },
    { cause },
  );
}
