import { existsSync } from 'node:fs';
import type { AgentSpent, AgentUsage } from '@orch/coordinator';
import { readSession, type SessionRecord } from '@orch/jsonl/sessions';

const nothing: AgentUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
};

/**
 * What the session of an attempt without an end says: the conversation it was in, as its driver told when
 * it began, and what it cost. Tokens are a lower bound; money is known only where none can have been spent.
 */
export async function whatWasRecorded(
  file: string,
): Promise<{ readonly session?: string; readonly spent: AgentSpent }> {
  // The session is opened before anything is started.
  if (!existsSync(file)) return { spent: { usd: 0, usage: nothing } };
  const { records } = await readSession(file);
  const dataOf = (kind: string): readonly Readonly<Record<string, unknown>>[] =>
    records.filter((record) => record.kind === kind).map(fields);
  const session = dataOf('session.started').at(-1)?.['session'];
  const free = dataOf('attempt').some(({ agent }) => agent === 'command');
  return {
    ...(typeof session === 'string' ? { session } : {}),
    spent: {
      usd: free || records.length === 0 ? 0 : null,
      usage: dataOf('usage').reduce(add, nothing),
    },
  };
}

const fields = ({ data }: SessionRecord): Readonly<Record<string, unknown>> =>
  typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};

const count = (value: unknown): number => (typeof value === 'number' ? value : 0);

const add = (sum: AgentUsage, usage: Readonly<Record<string, unknown>>): AgentUsage => ({
  inputTokens: sum.inputTokens + count(usage['inputTokens']),
  outputTokens: sum.outputTokens + count(usage['outputTokens']),
  cacheReadTokens: sum.cacheReadTokens + count(usage['cacheReadTokens']),
  cacheWriteTokens: sum.cacheWriteTokens + count(usage['cacheWriteTokens']),
});
