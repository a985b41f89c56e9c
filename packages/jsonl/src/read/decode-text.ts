import { AsyncResource } from 'node:async_hooks';
import * as bytesApi from 'node:buffer';
import { MessageChannel, type MessagePort } from 'node:worker_threads';

interface SliceableBuffer extends Buffer {
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
}

/** `toString` finds its way to the same function by name, which costs a tenth of a small record. */
export const decodeText: (bytes: Buffer, start: number, end: number) => string =
  'utf8Slice' in Buffer.prototype
    ? (bytes, start, end) => (bytes as SliceableBuffer).utf8Slice(start, end)
    : (bytes, start, end) => bytes.toString('utf8', start, end);

/** The same for bytes below 0x80, which need no decoding. */
export const decodeAscii: typeof decodeText =
  'latin1Slice' in Buffer.prototype
    ? (bytes, start, end) => (bytes as SliceableBuffer).latin1Slice(start, end)
    : (bytes, start, end) => bytes.toString('latin1', start, end);

/** Refuses what is not valid UTF-8. Missing where Node was built without ICU. */
const transcode = (bytesApi as Partial<typeof bytesApi>).transcode;
/**
 * Up to this length, lines beyond ASCII are decoded faster together. Longer ones too, by half and more,
 * where the engine decodes character by character, as V8 did before 13 (Node 24).
 */
const longestTogether = Number.parseInt(process.versions.v8, 10) < 13 ? Infinity : 2048;
/** Nobody listens: what is handed over to it is gone. */
let nowhere: MessagePort | undefined;

/** Bound, because a port keeps the asynchronous context in which it was made: that of whoever reads first. */
const openNowhere = AsyncResource.bind(() => {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.close();
  return port1;
});

/**
 * Gives memory outside the heap back now. Left to the collector it would be half as much again as what
 * reading takes. `postMessage` takes what it is given even when nobody can get it (HTML, message port
 * post message steps).
 */
function giveBack(units: Buffer): void {
  nowhere ??= openNowhere();
  nowhere.postMessage(undefined, [units.buffer as ArrayBuffer]);
}

/** So many lines are looked at to know the others. */
const samples = 3;
/** With shorter lines than this, a call for each takes so much time that one of the samples is enough. */
const lineOfSmallRecord = 300;

/** Whether enough lines are beyond ASCII for decoding all of them together to be faster. */
function areWide(view: Buffer, from: number, end: number): boolean {
  let wide = 0;
  let seen = 0;
  let start = from;
  while (seen < samples && start < end) {
    const newline = view.indexOf(10, start);
    const stop = newline === -1 || newline > end ? end : newline;
    if (stop - start > longestTogether) return false;
    if (!bytesApi.isAscii(view.subarray(start, stop))) wide += 1;
    seen += 1;
    start = stop + 1;
  }
  return (start - from) / seen < lineOfSmallRecord ? wide > 0 : wide * 2 > seen;
}

/**
 * Decodes lines `[start, end)` with one call, which is worth it where a call for each costs more than
 * its work. Gives nothing where it does not, or where the bytes are not valid UTF-8.
 */
export function decodeLines(view: Buffer, start: number, end: number): string | undefined {
  const bytes = view.subarray(start, end);
  if (bytesApi.isAscii(bytes)) return decodeAscii(view, start, end);
  // With one line in ten beyond ASCII, its two bytes a character would make the others slower.
  if (transcode === undefined || !areWide(view, start, end)) return undefined;
  let units: Buffer;
  try {
    units = transcode(bytes, 'utf8', 'ucs2');
  } catch {
    return undefined;
  }
  const text = units.toString('ucs2');
  giveBack(units);
  return text;
}
