import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPriceTable } from '../../src/sessions/index.js';
import { temporaryDirectory } from '../temporary-directory.js';

const rates = { input: 1, output: 2, cacheWrite5m: 3, cacheWrite1h: 4, cacheRead: 0 };
const price = { model: 'my-model', since: '2026-01-31', ...rates };

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
