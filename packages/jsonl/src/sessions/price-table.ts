import { readFile } from 'node:fs/promises';
import { JsonlError, reasonOf } from '../errors.js';
import { listPrices } from './list-prices.js';
import { asFields, sumTokens, type TokenCounts } from './token-counts.js';

/** What a model costs, in US dollars per million tokens. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly cacheRead: number;
}

/** The rates of one model from a day on. */
export interface Price extends Rates {
  /** The model's id as its provider's interface has it, without a date at its end. */
  readonly model: string;
  /** First day of these rates, `YYYY-MM-DD`, UTC. The first price of a model holds before it as well. */
  readonly since: string;
  /** These are the rates of the provider's fast mode. */
  readonly speed?: 'fast';
  /** Rates of every token of a message whose prompt (input and caches) is longer than `overTokens`. */
  readonly longPrompt?: Rates & { readonly overTokens: number };
}

export interface PriceTable {
  readonly prices: readonly Price[];
  /** US dollars for one search. */
  readonly webSearch?: number;
}

/** What is known of the cost of one message. */
export type Cost =
  | { readonly usd: number; readonly basis: 'given' | 'list' }
  /** `model`: nobody has named a price for it; `speed`: only for another speed; `searches`: no price for a search. */
  | { readonly usd: null; readonly missing: 'model' | 'speed' | 'searches' | 'prompt_length' };

export interface Pricing {
  /** Whether the table that was given has a price for this model. */
  gives(model: string): boolean;
  /** The cost of one message. */
  costOf(message: {
    readonly model: string;
    readonly counts: TokenCounts;
    readonly at: string;
    readonly speed?: string | undefined;
  }): Cost;
  /** The cost of many messages of a model together; only where the rates do not depend on a message. */
  costOfSum(model: string, counts: TokenCounts, at: string): Cost;
}

/** `claude-opus-4-8[1m]` and `claude-haiku-4-5-20251001` are names of the models without their endings. */
export const plainModel = (model: string): string =>
  model.replace(/\[[^\]]*\]$/, '').replace(/-20\d{6}$/, '');

/**
 * Prices by the built-in list; a model that `given` names has the prices given there and no others.
 * Discounts, batches and surcharges for a place of computing are not known to it.
 *
 * @throws JsonlError `ORCH_JSONL_PRICES_INVALID`, as `readPriceTable`
 */
export function createPricing(given: PriceTable = { prices: [] }): Pricing {
  checkTable(undefined, given);
  const own = new Set(given.prices.map(({ model }) => plainModel(model)));
  const webSearch = given.webSearch ?? listPrices.webSearch;

  function find(model: string, at: string, speed: 'fast' | undefined): Price | 'model' | 'speed' {
    const name = plainModel(model);
    const table = own.has(name) ? given.prices : listPrices.prices;
    const rows = table.filter((price) => plainModel(price.model) === name);
    if (rows.length === 0) return 'model';
    const ofSpeed = rows
      .filter((price) => price.speed === speed)
      .sort((left, right) => (left.since < right.since ? -1 : 1));
    return ofSpeed.findLast(({ since }) => since <= at.slice(0, 10)) ?? ofSpeed[0] ?? 'speed';
  }

  function bill(model: string, counts: TokenCounts, rates: Rates): Cost {
    if (counts.webSearches > 0 && webSearch === undefined)
      return { usd: null, missing: 'searches' };
    const tokens =
      counts.inputTokens * rates.input +
      counts.outputTokens * rates.output +
      counts.cacheWrite5mTokens * rates.cacheWrite5m +
      counts.cacheWrite1hTokens * rates.cacheWrite1h +
      counts.cacheReadTokens * rates.cacheRead;
    const usd = tokens / 1e6 + counts.webSearches * (webSearch ?? 0);
    return { usd, basis: own.has(plainModel(model)) ? 'given' : 'list' };
  }

  return {
    gives: (model) => own.has(plainModel(model)),
    costOf({ model, counts, at, speed }) {
      const price = find(model, at, speed === 'fast' ? 'fast' : undefined);
      if (typeof price === 'string') return { usd: null, missing: price };
      const promptTokens = sumTokens(counts) - counts.outputTokens;
      const isLong = price.longPrompt !== undefined && promptTokens > price.longPrompt.overTokens;
      return bill(model, counts, isLong ? (price.longPrompt ?? price) : price);
    },
    costOfSum(model, counts, at) {
      const price = find(model, at, undefined);
      if (typeof price === 'string') return { usd: null, missing: price };
      if (price.longPrompt !== undefined) return { usd: null, missing: 'prompt_length' };
      return bill(model, counts, price);
    },
  };
}

const rateNames = ['input', 'output', 'cacheWrite5m', 'cacheWrite1h', 'cacheRead'] as const;

/**
 * Reads a table of prices from a JSON file: `{ "prices": [{ "model", "since", "input", "output",
 * "cacheWrite5m", "cacheWrite1h", "cacheRead", "speed"?, "longPrompt"? }], "webSearch"? }`, in US
 * dollars per million tokens.
 *
 * @throws JsonlError `ORCH_JSONL_PRICES_INVALID`, with the place of what is wrong
 */
export async function readPriceTable(path: string): Promise<PriceTable> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw invalid(path, reasonOf(error));
  }
  checkTable(path, value);
  return value;
}

function checkTable(path: string | undefined, value: unknown): asserts value is PriceTable {
  const table = asFields(value);
  if (!table || !Array.isArray(table['prices'])) throw invalid(path, 'expected {"prices": [...]}');
  const unknown = Object.keys(table).find((key) => !['prices', 'webSearch'].includes(key));
  if (unknown !== undefined) throw invalid(path, `unknown key ${JSON.stringify(unknown)}`);
  const webSearch = table['webSearch'];
  if (webSearch !== undefined) checkRate(path, 'webSearch', webSearch);
  table['prices'].forEach((price: unknown, index) => checkPrice(path, `prices[${index}]`, price));
}

function checkPrice(path: string | undefined, place: string, value: unknown): void {
  const price = asFields(value);
  if (!price) throw invalid(path, `${place}: expected an object`);
  const known = ['model', 'since', 'speed', 'longPrompt', ...rateNames];
  const unknown = Object.keys(price).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw invalid(path, `${place}: unknown key ${JSON.stringify(unknown)}`);
  if (typeof price['model'] !== 'string' || price['model'] === '')
    throw invalid(path, `${place}.model: expected the id of a model`);
  if (typeof price['since'] !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(price['since']))
    throw invalid(path, `${place}.since: expected a day such as "2026-01-31"`);
  if (price['speed'] !== undefined && price['speed'] !== 'fast')
    throw invalid(path, `${place}.speed: expected "fast", or no such key`);
  for (const name of rateNames) checkRate(path, `${place}.${name}`, price[name]);
  if (price['longPrompt'] === undefined) return;
  const long = asFields(price['longPrompt']) ?? {};
  for (const name of [...rateNames, 'overTokens'])
    checkRate(path, `${place}.longPrompt.${name}`, long[name]);
}

function checkRate(path: string | undefined, place: string, value: unknown): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return;
  const received = typeof value === 'number' ? value : JSON.stringify(value);
  throw invalid(path, `${place}: expected a number, 0 or more, received ${received}`);
}

/** `path` is that of the file they are in, if they are in one. */
function invalid(path: string | undefined, reason: string): JsonlError {
  const which = path === undefined ? 'prices that were given' : `prices in ${path}`;
  return new JsonlError('ORCH_JSONL_PRICES_INVALID', `Cannot use the ${which}: ${reason}`, {
    ...(path === undefined ? {} : { path }),
    reason,
  });
}
