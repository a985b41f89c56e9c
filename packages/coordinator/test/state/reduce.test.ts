import { expect, it } from 'vitest';
import { emptyState, reduce, summarize, type Event } from '../../src/state/index.js';

const at = '2026-01-01T00:00:00.000Z';

it('an event of an unknown type is counted and changes nothing else', () => {
  const state = reduce(emptyState, { v: 1, seq: 1, at, type: 'weather.changed' });
  expect(state).toEqual({ ...emptyState, seq: 1, updatedAt: at });
});

it('is pure: folding twice gives the same, and the state before stays as it was', () => {
  const event: Event = {
    v: 1,
    seq: 1,
    at,
    type: 'task.skipped',
    task: 'a',
    cause: 'empty',
    reason: 'its list is empty',
  };
  const before = JSON.stringify(emptyState);
  expect(reduce(emptyState, event)).toEqual(reduce(emptyState, event));
  expect(JSON.stringify(emptyState)).toBe(before);
});

it('an unknown cost is never counted as zero', () => {
  const end = {
    outcome: 'completed',
    summary: '',
    denials: [],
    usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
    usd: null,
    turns: 1,
    session: 's',
    exit: { code: 0, signal: null },
    durationMs: 1,
    left: 0,
  } as const;
  const state = reduce(emptyState, {
    v: 1,
    seq: 1,
    at,
    type: 'agent.ended',
    task: 'a',
    attempt: 1,
    end,
  });
  expect(state.usd).toEqual({ known: 0, unknown: 1 });
  expect(summarize(state).line).toContain('$0.00 + 1 unknown');
});
