import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { createParser } from 'eventsource-parser';

export interface EventStreamOptions {
  /** A larger event ends the reading with `tooLarge`. */
  readonly maxEventBytes: number;
  /** `name` is undefined for what is a message. */
  event(data: string, name: string | undefined): void;
  /** Is kept up to date, so that the stream can be resumed. */
  readonly place?: Place;
}

/** Where a stream stands, and how long to wait before it is asked for again. */
export interface Place {
  lastEventId: string | undefined;
  retryMs: number;
}

/** However long a server says. */
export const longestRetryMs = 30_000;

export const firstPlace = (): Place => ({ lastEventId: undefined, retryMs: 1000 });

/** How the stream came to its end. */
export type StreamEnd = 'ended' | 'broken' | 'too large';

/** Reads a response as server-sent events until it ends. */
export function readEventStream(
  response: IncomingMessage,
  options: EventStreamOptions,
): Promise<StreamEnd> {
  const { place } = options;
  const decoder = new StringDecoder('utf8');
  let sinceEvent = 0;
  const parser = createParser({
    onEvent({ id, data, event }) {
      sinceEvent = 0;
      if (id !== undefined && place !== undefined) place.lastEventId = id;
      if (data !== '') options.event(data, event);
    },
    onRetry(ms) {
      if (place !== undefined) place.retryMs = Math.min(ms, longestRetryMs);
    },
    onComment() {
      sinceEvent = 0;
    },
  });
  return new Promise((resolve) => {
    response.on('data', (chunk: Buffer) => {
      sinceEvent += chunk.length;
      parser.feed(decoder.write(chunk));
      if (sinceEvent <= options.maxEventBytes) return;
      resolve('too large');
      response.destroy();
    });
    response.on('end', () => resolve('ended'));
    response.on('error', () => resolve('broken'));
    response.on('close', () => resolve('broken'));
  });
}
