import { describe, expect, it } from 'vitest';
import { judge, type Evidence } from '../../src/state/index.js';

const good: Evidence = {
  outcome: 'completed',
  effect: 'diff',
  files: 1,
  outside: [],
  writesOutside: 'fail',
  denials: [],
  denialsPolicy: 'fail_if_unverified',
  gates: [],
  tampered: [],
  noted: [],
};
const denial = { tool: 'Bash', input: 'npm publish' };
const failed = { id: 'unit', verdict: 'failed' } as const;

describe('judge()', () => {
  const table: readonly [string, Partial<Evidence>, string][] = [
    ['a diff and nothing against it', {}, 'succeeded'],
    ['no diff, whatever it says', { files: 0 }, 'no_effect'],
    ['no effect was declared', { effect: 'none', files: 0 }, 'succeeded'],
    [
      'an output that fits',
      { effect: 'none', files: 0, output: { ok: true, problems: [] } },
      'succeeded',
    ],
    [
      'an output that is not there',
      { effect: 'none', files: 0, output: { ok: false, problems: ['it was not given'] } },
      'no_effect',
    ],
    ['a failed gate', { gates: [failed] }, 'gate_failed'],
    ['a gate that could not run', { gates: [{ id: 'unit', verdict: 'error' }] }, 'gate_failed'],
    ['a refused call and no diff', { denials: [denial], files: 0 }, 'denied'],
    ['a refused call and a failed gate', { denials: [denial], gates: [failed] }, 'denied'],
    ['a refused call that was worked around', { denials: [denial] }, 'succeeded'],
    ['a refused call under denials: fail', { denials: [denial], denialsPolicy: 'fail' }, 'denied'],
    [
      'a refused call under denials: ignore, no diff',
      { denials: [denial], denialsPolicy: 'ignore', files: 0 },
      'no_effect',
    ],
    ['a change outside writes', { outside: ['x'] }, 'out_of_scope'],
    ['a change outside writes under warn', { outside: ['x'], writesOutside: 'warn' }, 'succeeded'],
    [
      'a changed repository beats everything',
      { tampered: ['hooks changed'], outcome: 'failed' },
      'tampered',
    ],
    [
      'out of scope beats a refused call',
      { outside: ['x'], denials: [denial], files: 0 },
      'out_of_scope',
    ],
    ...(
      ['failed', 'cancelled', 'timed_out', 'stalled', 'exhausted', 'throttled', 'lost'] as const
    ).map((outcome): [string, Partial<Evidence>, string] => [
      `a process that ended ${outcome}`,
      { outcome, gates: [failed] },
      outcome,
    ]),
  ];
  it.each(table)('%s', (_name, evidence, verdict) => {
    expect(judge({ ...good, ...evidence }).verdict).toBe(verdict);
  });

  it('keeps what a good result worked around as a note', () => {
    expect(judge({ ...good, denials: [denial] }).warnings).toEqual(['refused: Bash npm publish']);
  });
});
