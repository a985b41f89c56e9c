import { plainModel, type Cost, type Pricing } from './price-table.js';
import type { SessionRecord } from './session-record.js';
import {
  addTokens,
  asFields,
  asText,
  isNothing,
  latestTokens,
  noTokens,
  readApiUsage,
  readRecordedUsage,
  readReportedUsage,
  sumTokens,
  type TokenCounts,
} from './token-counts.js';

/** Why tokens have no cost. */
export type MissingPrice = Extract<Cost, { usd: null }>['missing'] | 'agent';

/** What one model was used for. */
export interface ModelUsage extends TokenCounts {
  readonly model: string;
  /** Messages of the model that were recorded. */
  readonly messages: number;
  /** US dollars; null when some of it has no known price. */
  readonly usd: number | null;
  /**
   * Where `usd` comes from: the table that was given, the agent's own report, the built-in list
   * prices, or several of these.
   */
  readonly basis: 'given' | 'reported' | 'list' | 'mixed' | 'none';
  /** What of these tokens has no price, and why. */
  readonly unpriced?: { readonly tokens: number; readonly missing: MissingPrice };
}

/** What sessions used, together. Each message counts once, in however many of them it stands. */
export interface UsageTotals {
  /** By descending cost, then tokens. */
  readonly models: readonly ModelUsage[];
  readonly total: TokenCounts & {
    readonly messages: number;
    /** US dollars of what has a price: a lower bound when `unpriced` is not empty. */
    readonly usd: number;
  };
  /** Models some of whose tokens are not in `total.usd`. */
  readonly unpriced: readonly {
    readonly model: string;
    readonly tokens: number;
    readonly missing: MissingPrice;
  }[];
}

interface Message {
  readonly model: string;
  readonly counts: TokenCounts;
  readonly at: string;
  readonly speed: string | undefined;
}

interface Reported {
  readonly counts: TokenCounts;
  readonly usd: number | null;
}

/** Adds up what sessions used. Give it the records of one session after the other. */
export interface UsageLedger {
  add(record: SessionRecord): void;
  /** What comes now is of another session. Messages that were seen in an earlier one are not counted again. */
  nextSession(): void;
  totals(): UsageTotals;
}

export function createUsageLedger(pricing: Pricing): UsageLedger {
  const countedIds = new Set<string>();
  const sums = new Map<string, Sum>();
  let session = createSession();

  function book(
    model: string,
    counts: TokenCounts,
    messages: number,
    cost: Cost | ReportedCost,
  ): void {
    if (isNothing(counts) && messages === 0) return;
    const sum = sums.get(model) ?? createSum();
    sums.set(model, sum);
    sum.counts = addTokens(sum.counts, counts);
    sum.messages += messages;
    if (cost.usd === null) {
      sum.unpricedTokens += sumTokens(counts);
      sum.missing ??= cost.missing;
    } else {
      sum.usd += cost.usd;
      sum.bases.add(cost.basis);
    }
  }

  function close(): void {
    const { messages, reported, covered, lastAt, end } = session;
    const unseen = [...messages].filter(([id]) => !countedIds.has(id));
    // Another record of a conversation that was counted already: its report is of the same messages.
    const isCounted = covered.size > 0 && !unseen.some(([id]) => covered.has(id));
    if (isCounted) reported.clear();
    for (const [model, { counts, usd }] of reported) {
      // A report is of everything the agent asked for; the messages it covers are a part of it.
      const count = unseen.filter(
        ([id, message]) => covered.has(id) && plainModel(message.model) === model,
      ).length;
      const given = pricing.gives(model);
      const cost =
        given || usd === null ? pricing.costOfSum(model, counts, lastAt) : reportedCost(usd);
      book(model, counts, count, cost);
    }
    for (const [id, message] of unseen) {
      countedIds.add(id);
      if (covered.has(id)) continue;
      book(plainModel(message.model), message.counts, 1, pricing.costOf(message));
    }
    // An agent that names no model still says what it used in all.
    if (messages.size === 0 && reported.size === 0 && end !== undefined && !isNothing(end.counts)) {
      book(
        'unknown',
        end.counts,
        0,
        end.usd === null ? { usd: null, missing: 'agent' } : reportedCost(end.usd),
      );
    }
    session = createSession();
  }

  return {
    add(record) {
      session.lastAt = record.at;
      const data = asFields(record.data) ?? {};
      if (record.kind === 'usage')
        noteMessage(
          session,
          data['messageId'],
          data['model'],
          readRecordedUsage(data),
          record.at,
          data['speed'],
        );
      if (record.kind === 'end') noteEnd(session, data);
      const raw = asFields(record.raw);
      if (raw?.['type'] === 'assistant') noteAssistant(session, raw, record.at);
      if (raw?.['type'] === 'result') noteResult(session, raw);
    },
    nextSession: close,
    totals() {
      close();
      const models = [...sums].map(([model, sum]) => modelUsage(model, sum)).sort(byCost);
      const total = models.reduce<TokenCounts>(addTokens, noTokens);
      return {
        models,
        total: {
          ...total,
          messages: models.reduce((sum, { messages }) => sum + messages, 0),
          usd: rounded([...sums.values()].reduce((sum, { usd }) => sum + usd, 0)),
        },
        unpriced: models.flatMap(({ model, unpriced }) =>
          unpriced ? [{ model, ...unpriced }] : [],
        ),
      };
    },
  };
}

interface Session {
  readonly messages: Map<string, Message>;
  /** What the agent reported, by model. */
  readonly reported: Map<string, Reported>;
  /** Messages that a report covers. */
  readonly covered: Set<string>;
  lastAt: string;
  end: Reported | undefined;
}

const createSession = (): Session => ({
  messages: new Map(),
  reported: new Map(),
  covered: new Set(),
  lastAt: '',
  end: undefined,
});

function noteMessage(
  session: Session,
  id: unknown,
  model: unknown,
  counts: TokenCounts,
  at: string,
  speed: unknown,
): void {
  // `<synthetic>` is what Claude Code calls the author of its own error messages.
  if (typeof id !== 'string' || typeof model !== 'string' || model.startsWith('<')) return;
  const before = session.messages.get(id);
  session.messages.set(id, {
    model: before?.model ?? model,
    counts: before ? latestTokens(before.counts, counts) : counts,
    at: before?.at ?? at,
    speed: asText(speed) ?? before?.speed,
  });
}

function noteAssistant(session: Session, raw: Readonly<Record<string, unknown>>, at: string): void {
  const message = asFields(raw['message']) ?? {};
  const usage = asFields(message['usage']);
  if (!usage) return;
  noteMessage(session, message['id'], message['model'], readApiUsage(usage), at, usage['speed']);
}

/** A `result` event of Claude Code: exact, by model, sub-agents and its own small requests included. */
function noteResult(session: Session, raw: Readonly<Record<string, unknown>>): void {
  const since = asFields(raw['model_usage_since_last_result']);
  const models = since ?? asFields(raw['modelUsage']) ?? {};
  // Without the newer field, the totals of a process contain those of its earlier results.
  if (since === undefined) session.reported.clear();
  for (const [name, value] of Object.entries(models)) {
    const model = asFields(value);
    if (!model) continue;
    const key = plainModel(asText(model['canonicalModel']) ?? name);
    const usd = model['costBasis'] === 'unknown' ? null : readCost(model['costUSD']);
    const before = session.reported.get(key);
    const counts = addTokens(before?.counts ?? noTokens, readReportedUsage(model));
    session.reported.set(key, {
      counts: withLifetimes(session, key, counts),
      usd: usd === null || before?.usd === null ? null : usd + (before?.usd ?? 0),
    });
  }
  for (const id of session.messages.keys()) session.covered.add(id);
}

/** Older reports do not say how long what was written to a cache lasts; the messages do. */
function withLifetimes(session: Session, model: string, counts: TokenCounts): TokenCounts {
  if (counts.cacheWrite1hTokens > 0) return counts;
  let hour = 0;
  for (const message of session.messages.values()) {
    if (plainModel(message.model) === model) hour += message.counts.cacheWrite1hTokens;
  }
  const moved = Math.min(hour, counts.cacheWrite5mTokens);
  return {
    ...counts,
    cacheWrite5mTokens: counts.cacheWrite5mTokens - moved,
    cacheWrite1hTokens: moved,
  };
}

function noteEnd(session: Session, data: Readonly<Record<string, unknown>>): void {
  const usage = asFields(data['usage']);
  if (!usage) return;
  session.end = { counts: readRecordedUsage(usage), usd: readCost(data['usd']) };
}

/** US dollars that somebody can have paid; what is none is not known, and must not spoil the total. */
function readCost(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : null;
}

type ReportedCost =
  | { readonly usd: number; readonly basis: 'reported' }
  | { readonly usd: null; readonly missing: 'agent' };

const reportedCost = (usd: number): ReportedCost => ({ usd, basis: 'reported' });

interface Sum {
  counts: TokenCounts;
  messages: number;
  usd: number;
  readonly bases: Set<'given' | 'reported' | 'list'>;
  unpricedTokens: number;
  missing: MissingPrice | undefined;
}

const createSum = (): Sum => ({
  counts: noTokens,
  messages: 0,
  usd: 0,
  bases: new Set(),
  unpricedTokens: 0,
  missing: undefined,
});

function modelUsage(model: string, sum: Sum): ModelUsage {
  const [basis = 'none', ...others] = sum.bases;
  return {
    model,
    messages: sum.messages,
    ...sum.counts,
    usd: sum.missing === undefined ? rounded(sum.usd) : null,
    basis: others.length > 0 ? 'mixed' : basis,
    ...(sum.missing === undefined
      ? {}
      : { unpriced: { tokens: sum.unpricedTokens, missing: sum.missing } }),
  };
}

/** To a thousandth of a millionth of a dollar, so that adding up leaves no dust. */
const rounded = (usd: number): number => Math.round(usd * 1e9) / 1e9;

const byCost = (left: ModelUsage, right: ModelUsage): number =>
  (right.usd ?? 0) - (left.usd ?? 0) ||
  sumTokens(right) - sumTokens(left) ||
  (left.model < right.model ? -1 : 1);
