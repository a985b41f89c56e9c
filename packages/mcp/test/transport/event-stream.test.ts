import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { firstPlace, readEventStream, type Place } from '../../src/transport/event-stream.js';

/** Reads a stream that comes in these pieces: what was heard, and how it ended. */
async function read(
  pieces: Iterable<string | Buffer>,
  maxEventBytes: number,
  place: Place = firstPlace(),
) {
  const heard: string[] = [];
  const stream = Readable.from(pieces, { objectMode: false }) as unknown as IncomingMessage;
  const end = await readEventStream(stream, {
    maxEventBytes,
    place,
    event: (data) => heard.push(data),
  });
  return { heard, end };
}

test('an event of more than the limit is too large, and what came before it is heard', async () => {
  const ends = { heard: ['é'.repeat(50)], end: 'too large' };
  expect(await read([`data: ${'é'.repeat(50)}\n\ndata: ${'é'.repeat(51)}\n\n`], 100)).toEqual(ends);
  expect(await read([`data: ${'é'.repeat(50)}\n\n`, ...endless('data: é\n')], 100)).toEqual(ends);
  expect(await read([`data: ${'é'.repeat(50)}\n\n`, ...endless('é')], 100)).toEqual(ends);
});

test('so it is with comments between its lines', async () => {
  expect(await read(endless('data: é\n:\n'), 100)).toEqual({ heard: [], end: 'too large' });
});

test('comments on a stream that says nothing else may go on for ever', async () => {
  const pieces = [...endless(': alive\n\n'), 'data: x\n\n', ...endless(':\n'), 'data: y\n\n'];
  expect(await read(pieces, 100)).toEqual({ heard: ['x', 'y'], end: 'ended' });
});

test('what is longer than any text can be is too large', async () => {
  const piece = Buffer.alloc(2 ** 29);
  expect(await read([piece], 2 ** 29 - 24)).toEqual({ heard: [], end: 'too large' });
});

test.each([
  [0, 50],
  [50, 50],
  [700, 700],
  [9_999_999_999, 30_000],
])('a server that says %i ms is asked again after %i', async (said, kept) => {
  const place = firstPlace();
  await read([`retry: ${said}\n\n`], 100, place);
  expect(place.retryMs).toBe(kept);
});

/** As good as endless for these limits. */
const endless = (piece: string): string[] => Array.from({ length: 1000 }, () => piece);
