/** Tokens of one or many messages of a model, as providers bill them. */
export interface TokenCounts {
  /** Neither read from nor written to a cache. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Written to a cache that lasts five minutes. A write whose lifetime was not recorded is counted here. */
  readonly cacheWrite5mTokens: number;
  /** Written to a cache that lasts an hour. */
  readonly cacheWrite1hTokens: number;
  readonly cacheReadTokens: number;
  /** Searches that the provider ran and bills one by one. */
  readonly webSearches: number;
}

export const noTokens: TokenCounts = {
  inputTokens: 0,
  outputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  cacheReadTokens: 0,
  webSearches: 0,
};

const names = Object.keys(noTokens) as readonly (keyof TokenCounts)[];

function combine(
  left: TokenCounts,
  right: TokenCounts,
  with_: (a: number, b: number) => number,
): TokenCounts {
  const counts: Record<keyof TokenCounts, number> = { ...noTokens };
  for (const name of names) counts[name] = with_(left[name], right[name]);
  return counts;
}

export const addTokens = (left: TokenCounts, right: TokenCounts): TokenCounts =>
  combine(left, right, (a, b) => a + b);

/**
 * What two reports of one message amount to. A message is reported with each piece of it, and what
 * it has produced so far only grows, so that the larger number is the later one.
 */
export const latestTokens = (left: TokenCounts, right: TokenCounts): TokenCounts =>
  combine(left, right, Math.max);

/** Everything but searches. */
export const sumTokens = (counts: TokenCounts): number =>
  names.reduce((sum, name) => (name === 'webSearches' ? sum : sum + counts[name]), 0);

export const isNothing = (counts: TokenCounts): boolean =>
  names.every((name) => counts[name] === 0);

type Fields = Readonly<Record<string, unknown>>;

export function asFields(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Fields;
}

export const asText = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** A number of tokens; what is no such number counts as none, because formats change. */
function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** `total` is what all cache writes amount to; what of it has no recorded lifetime lasts five minutes. */
function cacheWrites(total: number, fiveMinutes: number, hour: number): Partial<TokenCounts> {
  return {
    cacheWrite5mTokens: Math.max(fiveMinutes, total - hour),
    cacheWrite1hTokens: hour,
  };
}

/** The `usage` of a message of the Messages API, as transcripts and streams of Claude Code have it. */
export function readApiUsage(usage: Fields): TokenCounts {
  const written = asFields(usage['cache_creation']) ?? {};
  const tools = asFields(usage['server_tool_use']) ?? {};
  return {
    ...noTokens,
    inputTokens: count(usage['input_tokens']),
    outputTokens: count(usage['output_tokens']),
    ...cacheWrites(
      count(usage['cache_creation_input_tokens']),
      count(written['ephemeral_5m_input_tokens']),
      count(written['ephemeral_1h_input_tokens']),
    ),
    cacheReadTokens: count(usage['cache_read_input_tokens']),
    webSearches: count(tools['web_search_requests']),
  };
}

/** The data of a `usage` record, or the `usage` of an `end` record. */
export function readRecordedUsage(data: Fields): TokenCounts {
  return {
    ...noTokens,
    inputTokens: count(data['inputTokens']),
    outputTokens: count(data['outputTokens']),
    ...cacheWrites(
      count(data['cacheWriteTokens']),
      count(data['cacheWrite5mTokens']),
      count(data['cacheWrite1hTokens']),
    ),
    cacheReadTokens: count(data['cacheReadTokens']),
    webSearches: count(data['webSearches']),
  };
}

/** One model of the `modelUsage` of a `result` event of Claude Code. */
export function readReportedUsage(model: Fields): TokenCounts {
  return {
    ...noTokens,
    inputTokens: count(model['inputTokens']),
    outputTokens: count(model['outputTokens']),
    ...cacheWrites(
      count(model['cacheCreationInputTokens']),
      count(model['cacheCreationEphemeral5mInputTokens']),
      count(model['cacheCreationEphemeral1hInputTokens']),
    ),
    cacheReadTokens: count(model['cacheReadInputTokens']),
    webSearches: count(model['webSearchRequests']),
  };
}
