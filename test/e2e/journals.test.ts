import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { readJournal, runLayout } from '@orch/coordinator';
import { summarize } from '@orch/coordinator/state';

// Every format that a release ever wrote stays here and folds for ever, to the same words.
const journals = path.resolve(import.meta.dirname, '../journals');
const expected: Readonly<Record<string, string>> = {
  'format-1':
    '8/11 succeeded · 2 failed · 1 skipped · 2 gates · $0.10 + 1 unknown · 0s · merged 8 · 0 processes left (simulated)',
};

it.each(readdirSync(path.join(journals, 'runs')))('the journal %s folds', async (name) => {
  const state = await readJournal(runLayout(journals, name));
  expect(summarize(state).line).toBe(expected[name]);
  expect(state.outcome).toBe('conflicted');
  expect(state.tasks['repaired']?.attempts.map((attempt) => attempt.verdict)).toEqual([
    'gate_failed',
    'succeeded',
  ]);
});
