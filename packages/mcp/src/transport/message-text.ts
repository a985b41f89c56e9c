import { isJsonObject } from '../json.js';
import type { TransportEvents, WireEvents, WireLimits } from './transport.js';

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

/** The same for what may be larger than is taken as a message. */
export function tellWithin(
  text: string,
  { maxMessageBytes, spill }: WireLimits,
  events: Pick<WireEvents, 'message' | 'noise' | 'oversized'>,
): void {
  // A character has three bytes at most.
  if (spill === undefined || 3 * text.length <= maxMessageBytes) tellMessages(text, events);
  else if (Buffer.byteLength(text) <= maxMessageBytes) tellMessages(text, events);
  else events.oversized(spill.put(Buffer.from(text)));
}

/** Longer text than this cannot be made into a string by V8. */
export const longestText = 2 ** 29 - 24;

/** How much may come as one, where that is in memory before anything can be done about it. */
export const mostBytes = ({ maxMessageBytes, spill }: WireLimits): number =>
  Math.min(spill?.maxBytes ?? maxMessageBytes, longestText);
