import type { ListedSession, UsageReport } from '@orch/core/sessions';
import { describe, expect, it } from 'vitest';
import { importLines, sessionList, size, usageLines } from '../../src/render/sessions-lines.js';
import { recordingScreen } from '../recording-screen.js';

const { screen } = recordingScreen();
const counts = {
  inputTokens: 1234567,
  outputTokens: 20,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  cacheReadTokens: 0,
  webSearches: 0,
  messages: 3,
};
const report: UsageReport = {
  sessions: 2,
  rehearsals: 0,
  models: [{ model: 'one', ...counts, usd: 1.5, basis: 'list' }],
  total: { ...counts, usd: 1.5 },
  unpriced: [],
};

describe('usageLines()', () => {
  it('shows each model and the sum', () => {
    const [head, one, total, last] = usageLines(screen, report);
    expect(head).toMatch(/^model +messages +input/);
    expect(one).toMatch(/^one +3 +1 234 567 +20 .* \$1\.50 +list$/);
    expect(total).toMatch(/^total .*\$1\.50$/);
    expect(last).toMatch(/^2 sessions · \$1\.50/);
  });

  it('never shows an unknown cost as none', () => {
    const { models } = report;
    const unknown = {
      ...report,
      models: [...models, { model: 'two\u001b[2J', ...counts, usd: null, basis: 'none' as const }],
      unpriced: [{ model: 'two\u001b[2J', tokens: 77, missing: 'model' as const }],
    };
    const text = usageLines(screen, unknown).join('\n');
    expect(text).toMatch(/^two .* unknown +none$/m);
    expect(text).toMatch(/no price for 77 tokens of two .*not in the total/);
    expect(text).toMatch(/2 sessions · at least \$1\.50/);
    expect(text).not.toContain('\u001b[2J');
  });

  it('says so when there are no tokens, or only those of rehearsals', () => {
    const none = { ...report, models: [], sessions: 0, rehearsals: 1 };
    expect(usageLines(screen, none)).toEqual([
      '1 session of rehearsals not counted',
      'No tokens are recorded in 0 sessions.',
    ]);
  });
});

describe('sessionList()', () => {
  const session: ListedSession = {
    id: 'a.1',
    name: 'run/a.1',
    path: '/a.1.jsonl',
    bytes: 1500,
    modifiedAt: '2026-01-02T03:04:05.000Z',
    origin: 'recorded',
    rehearsal: false,
    live: false,
  };

  it('says of each what it is: running, how it ended, interrupted, imported, a rehearsal', () => {
    const states = [
      { live: true },
      { outcome: 'completed' },
      {},
      { origin: 'imported' as const },
      { outcome: 'failed', rehearsal: true },
    ].map((more) => sessionList(screen, [{ ...session, ...more }])[0]);
    const words = ['running', 'completed', 'interrupted', 'imported', 'failed REHEARSAL'];
    expect(states).toEqual(words.map((word) => `run/a.1  2026-01-02 03:04  1.5 kB  ${word}`));
  });

  it('keeps a title of others on its line, and a line in the terminal', () => {
    const narrow = recordingScreen({ terminal: true, columns: 50 }).screen;
    const title = 'first\nsecond \u001b]0;x\u0007 third';
    const lines = sessionList(narrow, [{ ...session, title }]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('\n');
    expect(lines[0]).not.toContain('\u001b]');
    expect(lines[0]).toContain('…');
  });
});

describe('importLines()', () => {
  it('names damage and links, and how many there are of many', () => {
    const fault = { kind: 'glued' as const, line: 2, byteStart: 3, byteEnd: 4 };
    const file = {
      path: '/a.jsonl',
      bytes: 10,
      lines: 1,
      linked: 1,
      faults: Array.from({ length: 9 }, () => fault),
      faultCount: 300,
      brokenLinks: [{ kind: 'missing_parent' as const, line: 7, uuid: 'u', expected: 'p' }],
      brokenLinkCount: 1,
    };
    const source = { session: 's', main: '/a.jsonl', start: '', linked: 1, bytes: 10 };
    const lines = importLines(screen, {
      kind: 'imported',
      id: 'a',
      source,
      records: 3,
      files: [file],
    });
    expect(
      lines.filter((line) => line.includes('damage: line 2, bytes 3 to 4: glued')),
    ).toHaveLength(5);
    expect(lines).toContain('    and 295 more damaged places');
    expect(lines.at(-1)).toBe('    link: line 7: missing_parent p');
    const kept = importLines(screen, {
      kind: 'kept',
      id: 'a',
      reason: 'of another',
      source,
      records: 3,
      files: [],
    });
    expect(kept[1]).toBe('    not imported: of another');
  });
});

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [101_570_801, '101.6 MB'],
  [2.5e12, '2500.0 GB'],
])('size(%i) is %s', (bytes, text) => {
  expect(size(bytes)).toBe(text);
});
