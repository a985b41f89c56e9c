import type { RunState, TaskState } from '@orch/core/status';
import { describe, expect, it } from 'vitest';
import { cells } from '../../src/render/cells.js';
import { frame } from '../../src/render/frame.js';

const plain = { style: (_style: string, text: string) => text };
const now = Date.parse('2026-01-01T00:01:00Z');
const startedAt = '2026-01-01T00:00:18Z';

const task = (id: string, more: Partial<TaskState> = {}): TaskState => ({
  id,
  node: id,
  label: id,
  phase: 'running',
  attempts: [
    {
      attempt: 1,
      mode: 'first',
      key: '',
      fields: {},
      base: '',
      session: '',
      startedAt,
      workspace: '/w',
      gates: {},
      reasons: [],
      warnings: [],
    },
  ],
  reasons: [],
  warnings: [],
  earlier: [],
  before: 0,
  ...more,
});
const stateOf = (tasks: readonly TaskState[], more: Partial<RunState> = {}): RunState => ({
  ledMs: 0,
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
  run: '06fe000000',
  name: 'a plan',
  plan: '',
  base: '',
  branch: null,
  mode: 'run',
  version: '',
  parallel: 8,
  status: 'running',
  epoch: 1,
  seq: 1,
  startedAt,
  updatedAt: startedAt,
  tasks: Object.fromEntries(tasks.map((one) => [one.id, one])),
  expansions: {},
  merges: {},
  gateNodes: {},
  barriers: {},
  integration: undefined,
  delivered: {},
  commands: {},
  usd: { known: 0.5, unknown: 0 },
  ...more,
});
const draw = (state: RunState, columns = 80, rows = 24, latest = new Map<string, string>()) =>
  frame(plain, { state, latest, now }, { columns, rows });

describe('a frame', () => {
  it('has a row for each running task with its time and its last words, and how the run stands', () => {
    const state = stateOf([task('a'), task('b', { attempts: [] }), task('c', { phase: 'ended' })]);
    expect(draw(state, 80, 24, new Map([['a', 'Write a.txt']]))).toEqual([
      '● a 42s Write a.txt',
      '● b 42s gets its workspace',
      '  1/3 ended · 2 running · $0.50 · 42s · run 06fe000000',
    ]);
  });

  it('says what is not known of the cost, and that a rehearsal costs nothing', () => {
    expect(draw(stateOf([], { usd: { known: 1, unknown: 2 } }))[0]).toContain('$1.00 + 2 unknown');
    expect(draw(stateOf([], { mode: 'rehearsal' }))[0]).toContain('rehearsal');
  });

  it.each([2, 3, 4, 8, 24, 200])('of forty tasks fits into %i rows with one to spare', (rows) => {
    const many = stateOf(Array.from({ length: 40 }, (_, index) => task(`t${index}`)));
    const drawn = draw(many, 80, rows);
    expect(drawn.length).toBeLessThanOrEqual(rows - 1);
    expect(drawn.at(-1)).toContain('40 running');
    const shown = drawn.filter((row) => row.startsWith('●')).length;
    const hidden = drawn.map((row) => /and (\d+) more/.exec(row)?.[1]).find(Boolean);
    if (rows > 3) expect(shown + Number(hidden ?? 0)).toBe(40);
  });

  it.each([10, 20, 40, 80])('of wide text fits into %i columns', (columns) => {
    const latest = new Map([['漢', '字'.repeat(200)]]);
    for (const row of draw(stateOf([task('漢')]), columns, 24, latest))
      expect(cells(row)).toBeLessThan(columns);
  });

  it('takes what others wrote out of labels', () => {
    expect(draw(stateOf([task('a', { label: 'a[\u001b[2J\nx]' })]))[0]).toMatch(/^● a\[ x\] /);
  });

  it('is nothing where there is no room', () => {
    expect(draw(stateOf([task('a')]), 80, 1)).toEqual([]);
  });
});
