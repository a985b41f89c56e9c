import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Barriers } from './barrier.js';
import type { AnswerError, Dialect } from './dialects/dialect.js';
import { freshId } from './dialects/sse.js';
import type { Holds } from './hold.js';
import type { Json, JsonObject } from './json.js';
import type { LogEntry } from './request-log.js';
import type { CheckedTurn } from './script.js';
import { waitForFile } from './wait-for-file.js';

/** One request on its way to its answer. */
export interface Exchange {
  readonly dialect: Dialect;
  readonly url: URL;
  readonly body: JsonObject;
  readonly entry: LogEntry;
  readonly response: ServerResponse;
  /** Aborts when the client goes away or the model closes. */
  readonly signal: AbortSignal;
}

/** Withholds, spoils or gives the answer that the turn says. Rejects when the signal aborts. */
export async function answer(
  exchange: Exchange,
  turn: CheckedTurn,
  places: { readonly holds: Holds; readonly barriers: Barriers },
): Promise<void> {
  const { dialect, entry, response, signal } = exchange;
  const { request } = entry;
  await withhold(exchange, turn, places);
  const due = <F extends { readonly times: number }>(fault: F | undefined) =>
    fault !== undefined && request.attempt <= fault.times ? fault : undefined;

  if (due(turn.hang)) {
    entry.waitFor('hang');
    await untilAborted(signal);
  }
  entry.waitFor('client');
  const error = due(turn.error);
  if (error) {
    const type = error.type ?? dialect.errorType(error.status);
    sendJson(response, error.status, dialect.writeError({ ...error, type }), error.headers);
    return;
  }
  const content = { ...turn, model: request.model };
  const cut = due(turn.cut);
  if (cut?.after === 0 || (cut && !request.stream)) {
    response.destroy();
    return;
  }
  if (!request.stream) {
    sendJson(response, 200, dialect.writeAnswer(content, exchange.body), turn.headers);
    return;
  }
  const { contentType, pieces } = dialect.writeStream(content, exchange.body, exchange.url);
  response.writeHead(200, {
    'content-type': contentType,
    'cache-control': 'no-cache',
    'request-id': freshId('req_'),
    ...turn.headers,
  });
  response.flushHeaders();
  await pause(turn.firstByteMs, signal);
  const failure = due(turn.streamError);
  for (const [index, piece] of pieces.entries()) {
    if (failure && index >= failure.after) break;
    if (cut && index >= cut.after) {
      response.destroy();
      return;
    }
    await write(response, piece, signal);
    await pause(turn.chunkMs, signal);
  }
  if (failure) {
    const status = 500;
    const type = failure.type ?? dialect.errorType(status);
    await write(response, dialect.writeStreamError({ ...failure, status, type }), signal);
  }
  response.end();
}

async function withhold(
  { entry, signal }: Exchange,
  turn: CheckedTurn,
  { holds, barriers }: { readonly holds: Holds; readonly barriers: Barriers },
): Promise<void> {
  const { request } = entry;
  if (holds.takes(request)) {
    entry.waitFor('hold');
    await holds.pass(request, signal);
  }
  if (turn.waitForFile !== undefined) {
    entry.waitFor('file');
    await waitForFile(turn.waitForFile, signal);
  }
  if (turn.barrier) {
    entry.waitFor('barrier');
    await barriers.pass(turn.barrier.name, turn.barrier.parties, request.conversation, signal);
  }
  if (turn.delayMs > 0) {
    entry.waitFor('delay');
    await pause(turn.delayMs, signal);
  }
}

/** Sends one JSON answer; nothing when an answer has begun already. */
export function sendJson(
  response: ServerResponse,
  status: number,
  value: Json,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'content-type': 'application/json',
    'request-id': freshId('req_'),
    ...headers,
  });
  response.end(JSON.stringify(value));
}

/** Refuses a request in its dialect, with a status that agents do not retry. */
export function refuseRequest(response: ServerResponse, dialect: Dialect, message: string): void {
  const error: AnswerError = { status: 400, type: dialect.errorType(400), message };
  sendJson(response, error.status, dialect.writeError(error));
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds > 0) await sleep(milliseconds, undefined, { signal });
}

// Waits until the piece has left: a cut after it must not take it back.
function write(response: ServerResponse, piece: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    response.write(piece, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
