import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

export interface EventStreamOptions {
  /** An event with more data ends the reading with `too large`. */
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
/** However short: one that says 0 would be asked again and again without a pause. */
const shortestRetryMs = 50;

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
  let isTooLarge = false;
  let heard: EventSourceMessage[] = [];
  const parser = createParser({
    // Of the event that is open, whatever comments are between its lines. No character has less than a byte.
    maxBufferSize: options.maxEventBytes,
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') isTooLarge = true;
    },
    onEvent: (event) => void heard.push(event),
    onRetry(ms) {
      if (place !== undefined)
        place.retryMs = Math.min(Math.max(ms, shortestRetryMs), longestRetryMs);
    },
  });
  /** What of these bytes is events. */
  function read(chunk: Buffer): readonly EventSourceMessage[] {
    heard = [];
    try {
      parser.feed(decoder.write(chunk));
    } catch {
      isTooLarge = true; // for V8 too, which has no text as long as that
    }
    return heard;
  }
  return new Promise((resolve) => {
    response.on('data', (chunk: Buffer) => {
      if (isTooLarge) return;
      for (const { id, data, event } of read(chunk)) {
        if (isLarger(data, options.maxEventBytes)) {
          isTooLarge = true;
          break;
        }
        if (id !== undefined && place !== undefined) place.lastEventId = id;
        if (data !== '') options.event(data, event);
      }
      if (!isTooLarge) return;
      resolve('too large');
      response.destroy();
    });
    response.on('end', () => resolve('ended'));
    response.on('error', () => resolve('broken'));
    response.on('close', () => resolve('broken'));
  });
}

/** A character has three bytes at most, so most texts need not be counted. */
const isLarger = (text: string, bytes: number): boolean =>
  3 * text.length > bytes && Buffer.byteLength(text) > bytes;
