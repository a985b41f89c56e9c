import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createPricing, readPriceTable, type PriceTable } from '../../src/sessions/index.js';
import { temporaryDirectory } from '../temporary-directory.js';

const rates = { input: 1, output: 2, cacheWrite5m: 3, cacheWrite1h: 4, cacheRead: 0 };
const price = { model: 'my-model', since: '2026-01-31', ...rates };

describe('createPricing()', () => {
  it.each([
    [{ prices: [{ ...price, input: -1 }] }, /prices\[0\]\.input.*received -1/],
    [{ prices: [price, { ...price, cacheRead: NaN }] }, /prices\[1\]\.cacheRead.*received NaN/],
    [{ prices: [{ ...price, output: Infinity }] }, /prices\[0\]\.output.*received Infinity/],
    [{ prices: [{ ...price, output: '2' }] }, /prices\[0\]\.output.*received "2"/],
    [{ prices: [{ ...price, since: 'today' }] }, /prices\[0\]\.since/],
    [{ prices: [{ ...price, longPrompt: rates }] }, /longPrompt\.overTokens/],
    [{ prices: [], webSearch: -0.1 }, /webSearch.*received -0\.1/],
    [{}, /expected \{"prices"/],
  ])('refuses %o, as reading it from a file does', (table, reason) => {
    expect(() => createPricing(table as unknown as PriceTable)).toThrow(
      expect.objectContaining({
        code: 'ORCH_JSONL_PRICES_INVALID',
        message: expect.stringMatching(reason) as string,
      }) as Error,
    );
  });

  it('takes what it must be, and what is left out', () => {
    const pricing = createPricing({ prices: [price] });
    expect(pricing.gives('my-model')).toBe(true);
    expect(createPricing().gives('my-model')).toBe(false);
  });
});

describe('readPriceTable()', () => {
  const read = (text: string): ReturnType<typeof readPriceTable> => {
    const path = temporaryDirectory()('prices.json');
    writeFileSync(path, text);
    return readPriceTable(path);
  };

  it('reads what it must be', async () => {
    const table = {
      prices: [price, { ...price, speed: 'fast', longPrompt: { ...rates, overTokens: 10 } }],
      webSearch: 0.02,
    };
    expect(await read(JSON.stringify(table))).toEqual(table);
  });

  it.each([
    ['{', /JSON/],
    ['[]', /expected \{"prices"/],
    [JSON.stringify({ prices: [], currency: 'EUR' }), /unknown key "currency"/],
    [JSON.stringify({ prices: [{ ...price, model: '' }] }), /prices\[0\]\.model/],
    [JSON.stringify({ prices: [{ ...price, since: 'today' }] }), /prices\[0\]\.since/],
    [
      JSON.stringify({ prices: [price, { ...price, input: -1 }] }),
      /prices\[1\]\.input.*received -1/,
    ],
    [JSON.stringify({ prices: [{ ...price, output: '2' }] }), /prices\[0\]\.output/],
    [JSON.stringify({ prices: [{ ...price, speed: 'slow' }] }), /prices\[0\]\.speed/],
    [JSON.stringify({ prices: [{ ...price, longPrompt: rates }] }), /longPrompt\.overTokens/],
    [JSON.stringify({ prices: [{ ...price, cache: 1 }] }), /unknown key "cache"/],
  ])('refuses %s and says where', async (text, reason) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'ORCH_JSONL_PRICES_INVALID',
      message: expect.stringMatching(reason) as string,
    });
  });
});
