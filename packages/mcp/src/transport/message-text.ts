import { isJsonObject } from '../json.js';
import type { TransportEvents } from './transport.js';

/** Tells the messages that a text holds; what is none is noise. */
export function tellMessages(
  text: string,
  events: Pick<TransportEvents, 'message' | 'noise'>,
): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    events.noise(text.slice(0, 1000));
    return;
  }
  // Batches were part of the protocol in one of its revisions.
  for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
    if (isJsonObject(one)) events.message(one);
    else events.noise(text.slice(0, 1000));
  }
}
