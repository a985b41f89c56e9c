import type { Price, PriceTable, Rates } from './price-table.js';

const rates = (
  input: number,
  output: number,
  cacheWrite5m: number,
  cacheWrite1h: number,
  cacheRead: number,
): Rates => ({ input, output, cacheWrite5m, cacheWrite1h, cacheRead });

const price = (
  model: string,
  since: string,
  perMillion: Rates,
  more: Partial<Price> = {},
): Price => ({
  model,
  since,
  ...perMillion,
  ...more,
});

/**
 * List prices of Anthropic's own interface in US dollars per million tokens, looked up on 2026-11-22.
 * `since` is the day of a model's release where a page names it, else a day before its first use. A
 * model whose five rates no page names is left out: it has tokens and no cost.
 *
 * Sources: the pricing page (platform.claude.com/docs/en/about-claude/pricing) and the pages of the
 * models (…/docs/en/models/<model>/overview), unless a line says otherwise.
 */
export const listPrices: PriceTable = {
  prices: [
    // Input and output: models overview. Caches: release notes of rightsize 0.10.2 and docs.laozhang.ai,
    // 2026-11-10, which repeat the pricing page.
    price('claude-fable-5-2', '2026-11-09', rates(8, 40, 10, 16, 0.2)),
    price('claude-fable-5-1', '2026-09-01', rates(10, 50, 12.5, 20, 0.25)),
    price('claude-fable-5', '2026-06-09', rates(10, 50, 12.5, 20, 1)),
    price('claude-opus-5-5', '2026-09-22', rates(4, 20, 5, 8, 0.2)),
    price('claude-opus-5', '2026-07-24', rates(5, 25, 6.25, 10, 0.5)),
    // Fast mode: code.claude.com/docs/en/fast-mode; $10 and $50, caches in the usual proportions to input.
    price('claude-opus-5', '2026-07-24', rates(10, 50, 12.5, 20, 1), { speed: 'fast' }),
    price('claude-opus-4-8', '2026-01-01', rates(5, 25, 6.25, 10, 0.5)),
    price('claude-opus-4-8', '2026-01-01', rates(10, 50, 12.5, 20, 1), { speed: 'fast' }),
    price('claude-opus-4-7', '2026-01-01', rates(5, 25, 6.25, 10, 0.5)),
    price('claude-opus-4-6', '2026-01-01', rates(5, 25, 6.25, 10, 0.5)),
    price('claude-opus-4-5', '2025-11-24', rates(5, 25, 6.25, 10, 0.5)),
    price('claude-opus-4-1', '2025-08-01', rates(15, 75, 18.75, 30, 1.5)),
    price('claude-opus-4', '2025-05-01', rates(15, 75, 18.75, 30, 1.5)),
    // The later cache rate: release notes of claudit 1.9.2 and PromptFuel 1.0.23, which repeat the pricing page.
    price('claude-sonnet-5-5', '2026-09-28', rates(2, 10, 2.5, 4, 0.2)),
    price('claude-sonnet-5-5', '2026-10-07', rates(2, 10, 2.5, 4, 0.1)),
    price('claude-sonnet-5', '2026-06-30', rates(2, 10, 2.5, 4, 0.2)),
    price('claude-sonnet-4-6', '2026-02-17', rates(3, 15, 3.75, 6, 0.3)),
    price('claude-sonnet-4-5', '2025-09-01', rates(3, 15, 3.75, 6, 0.3)),
    price('claude-sonnet-4', '2025-05-01', rates(3, 15, 3.75, 6, 0.3), {
      longPrompt: { overTokens: 200_000, ...rates(6, 22.5, 7.5, 12, 0.6) },
    }),
    price('claude-haiku-5-5', '2026-10-07', rates(0.1, 0.5, 0.125, 0.2, 0.01), {
      longPrompt: { overTokens: 100_000, ...rates(0.5, 2.5, 0.625, 1, 0.05) },
    }),
    price('claude-haiku-4-5', '2025-10-15', rates(1, 5, 1.25, 2, 0.1)),
    price('claude-3-5-haiku', '2024-11-01', rates(0.8, 4, 1, 1.6, 0.08)),
  ],
  webSearch: 0.01,
};
