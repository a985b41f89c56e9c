import type { Usage } from '../event.js';
import { asNumber, asObject, type JsonObject } from '../json.js';
import { addUsage, noUsage } from '../usage.js';

/** Adds up what one turn used. */
export interface CostMeter {
  /** One message of the model. False when it was counted before: it comes once for each of its blocks. */
  countMessage(id: string, usage: Usage): boolean;
  countResult(result: JsonObject): void;
  totals(): { readonly usage: Usage; readonly usd: number | null };
}

export function readMessageUsage(usage: JsonObject): Usage {
  return {
    inputTokens: asNumber(usage['input_tokens']) ?? 0,
    outputTokens: asNumber(usage['output_tokens']) ?? 0,
    cacheReadTokens: asNumber(usage['cache_read_input_tokens']) ?? 0,
    cacheWriteTokens: asNumber(usage['cache_creation_input_tokens']) ?? 0,
  };
}

interface Spent {
  readonly usage: Usage;
  /** Null when a model's price is not known. */
  readonly usd: number | null;
}

const nothingSpent: Spent = { usage: noUsage, usd: 0 };

function add(a: Spent, b: Spent): Spent {
  return {
    usage: addUsage(a.usage, b.usage),
    usd: a.usd === null || b.usd === null ? null : a.usd + b.usd,
  };
}

function readModels(models: JsonObject): Spent {
  return Object.values(models)
    .map((value): Spent => {
      const model = asObject(value) ?? {};
      return {
        usage: {
          inputTokens: asNumber(model['inputTokens']) ?? 0,
          outputTokens: asNumber(model['outputTokens']) ?? 0,
          cacheReadTokens: asNumber(model['cacheReadInputTokens']) ?? 0,
          cacheWriteTokens: asNumber(model['cacheCreationInputTokens']) ?? 0,
        },
        usd: model['costBasis'] === 'unknown' ? null : (asNumber(model['costUSD']) ?? null),
      };
    })
    .reduce(add, nothingSpent);
}

export function createCostMeter(): CostMeter {
  const counted = new Set<string>();
  let sinceResult = noUsage;
  let messagesSinceResult = 0;
  let results: Spent | undefined;

  return {
    countMessage(id, usage) {
      if (counted.has(id)) return false;
      counted.add(id);
      messagesSinceResult += 1;
      sinceResult = addUsage(sinceResult, usage);
      return true;
    },
    countResult(result) {
      sinceResult = noUsage;
      messagesSinceResult = 0;
      // The totals of a continued session contain its earlier turns; only this field leaves them out.
      const since = asObject(result['model_usage_since_last_result']);
      if (since !== undefined) {
        results = add(results ?? nothingSpent, readModels(since));
        return;
      }
      const totals = readModels(asObject(result['modelUsage']) ?? {});
      const usd = totals.usd === null ? null : (asNumber(result['total_cost_usd']) ?? null);
      results = { usage: totals.usage, usd };
    },
    totals() {
      return {
        usage: addUsage(results?.usage ?? noUsage, sinceResult),
        // The price of messages that no result covers is not known.
        usd: results === undefined || messagesSinceResult > 0 ? null : results.usd,
      };
    },
  };
}
