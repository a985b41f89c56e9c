import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageScan } from '../../src/spill/message-scan.js';

/** Scans the text in chunks of so many bytes. */
function scanned(text: string, chunkBytes: number): { scan: MessageScan; result: string } {
  const scan = new MessageScan();
  const parts: Buffer[] = [];
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes)
    scan.scan(bytes.subarray(at, at + chunkBytes), (part) => parts.push(part));
  return { scan, result: Buffer.concat(parts).toString() };
}

/** Names that are looked for are also put where they mean nothing. */
const names = fc.oneof(
  fc.constantFrom('id', 'result', 'isError', 'method', 'error', 'content', '', '__proto__', '"\\'),
  fc.string({ unit: 'binary' }),
);
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    names,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4 }),
  ),
})).value;
const messages = fc.record({
  entries: fc.uniqueArray(
    fc.oneof(
      fc.tuple(fc.constant('id'), fc.oneof(fc.integer(), fc.string(), fc.constant(null))),
      fc.tuple(fc.constant('result'), values),
      fc.tuple(fc.constantFrom('jsonrpc', 'method', 'error', 'x"y', 'é'), values),
    ),
    { selector: ([key]) => key, maxLength: 5 },
  ),
  space: fc.constantFrom(0, 1, 2),
  chunkBytes: fc.integer({ min: 1, max: 20 }),
});

describe('a message that is never whole in memory', () => {
  test('is seen as JSON.parse sees it, however it is written and cut', () => {
    fc.assert(
      fc.property(messages, ({ entries, space, chunkBytes }) => {
        const text = JSON.stringify(Object.fromEntries(entries), undefined, space);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const { scan, result } = scanned(text, chunkBytes);
        const { id } = parsed;
        expect(scan.isWhole).toBe(true);
        expect(scan.id).toEqual(typeof id === 'number' || typeof id === 'string' ? id : undefined);
        for (const [key, seen] of [
          ['method', scan.hasMethod],
          ['error', scan.hasError],
          ['result', scan.hasResult],
        ] as const)
          expect(seen).toBe(Object.hasOwn(parsed, key));
        const inner = parsed['result'] as { isError?: unknown } | null | undefined;
        const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
        expect(scan.isError).toBe(
          isObject && Object.hasOwn(inner, 'isError') && inner.isError === true,
        );
        if (scan.hasResult) expect(JSON.parse(result)).toEqual(inner);
        else expect(result).toBe('');
      }),
      { numRuns: 1000 },
    );
  });

  test('whose key is written with escapes is seen all the same', () => {
    const { scan, result } = scanned('{"\\u0069d":7,"res\\u0075lt":{"\\u0069sError":true}}', 3);
    expect(scan).toMatchObject({ id: 7, isError: true, isWhole: true });
    expect(result).toBe('{"\\u0069sError":true}');
  });

  test.each([
    ['a batch', '[{"id":1,"result":{}}]'],
    ['more than one message', '{"id":1,"result":{}}{"id":2,"result":{}}'],
    ['two results', '{"id":1,"result":{"a":1},"result":{"b":1}}'],
    ['a message cut off', '{"id":1,"result":{"content":['],
    ['something before it', 'x{"id":1,"result":{}}'],
    ['something after it', '{"id":1,"result":{}}x'],
    ['no object', '"text"'],
  ])('is none if it is %s', (_what, text) => {
    for (const chunkBytes of [1, 1000]) expect(scanned(text, chunkBytes).scan.isWhole).toBe(false);
  });

  test('with a key without end is read with little memory', () => {
    const { scan } = scanned(`{"${'k'.repeat(1e6)}":1,"id":"${'i'.repeat(1e6)}"}`, 65_536);
    expect(scan).toMatchObject({ isWhole: true, id: undefined });
  });
});
