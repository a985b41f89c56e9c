import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstPlace, longestRetryMs, type Place } from './event-stream.js';

/** What the stream for what a server says unasked needs of the connection that it belongs to. */
export interface ListeningStream {
  /** Aborts when it is no longer wanted. */
  readonly signal: AbortSignal;
  /** Asks for it; `asked` is to be called when the request is on its way. */
  ask(lastEventId: string | undefined, asked: () => void): Promise<IncomingMessage>;
  /** Reads it to its end. */
  read(response: IncomingMessage, place: Place): Promise<unknown>;
  /** Something may have been told to nobody. */
  missed(): void;
  /** The server knows of no such session. Whether there was one, which is over with that. */
  forgotten(): boolean;
  /** It is not asked for any more. */
  ended(): void;
}

/** How long the first call waits, at most, until the stream was asked for. */
const askingMs = 1000;
/**
 * How long it then waits until the server has answered that: it may read the call first, which comes on another
 * connection, and what it asks in that call has nowhere to go. Some answer once they have something to say.
 */
const answeringMs = 250;

/**
 * 405 is how a server says that it offers no listening stream; where it knows of none, its address may be one for POST
 * alone, which is 404 to many.
 */
const isNotOffered = (status: number): boolean => status === 405 || status === 404;

/**
 * Keeps that stream, if it is offered. Resolves when the server has answered for it, or has had its time: a server may
 * be slow to take another connection, and need not offer this. Only the first call waits for that.
 */
export function keepListening(stream: ListeningStream): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined = setTimeout(() => answered(), askingMs);
    const answered = (): void => {
      clearTimeout(timer);
      timer = undefined;
      resolve();
    };
    const asked = (): void => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = setTimeout(answered, answeringMs);
    };
    void listen(stream, asked, answered).finally(() => {
      stream.ended();
      answered();
    });
  });
}

/**
 * Who has offered it once offers it: it is asked for until it stands again, and nothing that was told before is kept
 * meanwhile.
 */
async function listen(
  stream: ListeningStream,
  asked: () => void,
  answered: () => void,
): Promise<void> {
  const { signal } = stream;
  const place = firstPlace();
  let inVain = 0;
  let hasStood = false;
  try {
    while (!signal.aborted) {
      const before = performance.now();
      const status = await hear(stream, place, asked, answered);
      if (status === 200) hasStood = true;
      else if (!hasStood && isNotOffered(status)) return;
      else if (status === 404 && stream.forgotten()) return;
      if (hasStood) stream.missed();
      inVain = performance.now() - before > 10_000 ? 0 : inVain + 1;
      const wait = Math.min(longestRetryMs, place.retryMs * 2 ** Math.min(inVain - 1, 5));
      // A stream that was never there keeps no process alive.
      await sleep(wait * (0.75 + Math.random() / 2), undefined, { signal, ref: hasStood });
    }
  } catch {
    // Closed while it waited.
  }
}

/** Asks for it, and reads it to its end. Resolves with the status, 0 if there was no answer. */
async function hear(
  stream: ListeningStream,
  place: Place,
  asked: () => void,
  answered: () => void,
): Promise<number> {
  let status = 0;
  try {
    const response = await stream.ask(place.lastEventId, asked);
    answered();
    status = response.statusCode ?? 0;
    if (status === 200) {
      // Before it stood, or since it was lost, something may have been told to nobody.
      stream.missed();
      await stream.read(response, place);
    } else response.destroy();
  } catch {
    // It is not there now, or broke off.
  }
  return status;
}
