import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../json.js';

export const EVENT_STREAM = 'text/event-stream';

/** One server-sent event; without a name only its data line. */
export function writeEvent(name: string | undefined, data: JsonObject): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** The text in pieces of at most that many characters; surrogate pairs stay whole. */
export function cutIntoPieces(text: string, length: number | undefined): readonly string[] {
  if (length === undefined || text.length <= length) return [text];
  const characters = Array.from(text);
  const pieces: string[] = [];
  for (let at = 0; at < characters.length; at += length)
    pieces.push(characters.slice(at, at + length).join(''));
  return pieces;
}

/** A fresh identifier with a provider's prefix. */
export function freshId(prefix: string): string {
  return prefix + randomBytes(9).toString('hex');
}
