import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fuzz, realSubject } from '../test/fuzz.js';

it('1,000,000 texts and templates: nothing thrown, nothing polluted, every fault has a place', async () => {
  const subject = await realSubject();
  for (let part = 0; part < 100; part += 1) fuzz(subject, 100 + part, 10_000);
});

it('the fuzz alone reaches at least 90 % of the branches of expansion and parsers', () => {
  const directory = mkdtempSync(join(tmpdir(), 'orch-config-coverage-'));
  const root = join(import.meta.dirname, '..', '..', '..');
  const files = ['src/expand.ts', 'src/parse/*.ts'];
  execFileSync(
    join(root, 'node_modules', '.bin', 'vitest'),
    [
      ...['run', 'test/fuzz.test.ts', '--testNamePattern', '100,000 texts'],
      ...['--coverage.enabled', '--coverage.reporter=json-summary'],
      ...files.map((file) => `--coverage.include=${file}`),
      `--coverage.reportsDirectory=${directory}`,
    ],
    { cwd: join(import.meta.dirname, '..'), stdio: 'ignore' },
  );
  const summary = JSON.parse(
    readFileSync(join(directory, 'coverage-summary.json'), 'utf8'),
  ) as Record<string, { readonly branches: { readonly pct: number } }>;
  rmSync(directory, { recursive: true });
  console.log(
    Object.entries(summary)
      .map(([file, { branches }]) => `${file.split('/').at(-1) ?? ''} ${branches.pct} %`)
      .join(', '),
  );
  expect(Object.keys(summary).length).toBeGreaterThan(5);
  expect(summary['total']?.branches.pct).toBeGreaterThanOrEqual(90);
});
