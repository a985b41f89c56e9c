import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadHookTable } from '../src/index.js';
import { findLetThrough } from '../test/fuzz/slow-matching.js';
import { catastrophic } from '../test/matcher/catastrophic.js';
import { setScene } from '../test/scene.js';

const here = path.resolve(import.meta.dirname, '..');
const read = [
  'matcher/matcher',
  'table/hook-spec',
  'table/read-layers',
  'run/answer',
  'run/environment',
  'json',
];

describe('fuzzing', () => {
  it('1,000,000 inputs neither throw nor pollute, and reach 90 % of the branches of every reader by themselves', () => {
    const report = mkdtempSync(path.join(tmpdir(), 'hooks-coverage-'));
    const { status, stdout, stderr } = spawnSync(
      path.resolve(here, '../../node_modules/.bin/vitest'),
      [
        ...['run', 'test/fuzz/fuzz.test.ts', '--testTimeout=3600000'],
        ...['--coverage.enabled', '--coverage.provider=v8', '--coverage.reporter=json-summary'],
        `--coverage.reportsDirectory=${report}`,
        ...read.map((file) => `--coverage.include=src/${file}.ts`),
      ],
      {
        cwd: here,
        encoding: 'utf8',
        env: { ...process.env, ORCH_FUZZ_INPUTS: '1000000', ORCH_FUZZ_SEED: '7' },
      },
    );
    expect(`${stdout}${stderr}`).not.toMatch(/FAIL/);
    expect(status).toBe(0);
    const summary = JSON.parse(
      readFileSync(path.join(report, 'coverage-summary.json'), 'utf8'),
    ) as Record<string, { branches: { pct: number } }>;
    rmSync(report, { recursive: true });
    const { total, ...files } = summary;
    expect(Object.keys(files)).toHaveLength(read.length);
    console.log(
      Object.entries(files)
        .map(([file, { branches }]) => `${path.basename(file)} ${branches.pct} %`)
        .join(', '),
    );
    expect(total?.branches.pct).toBeGreaterThanOrEqual(90);
  });

  it('of 500 expressions none is let through that takes longer than 10 ms on the longest subjects', async () => {
    expect(await findLetThrough({ patterns: 500, seed: 7, limitMs: 10 })).toEqual([]);
  });

  it('catastrophic expressions are refused, and 50 kB are decided on within 10 ms', async () => {
    const scene = setScene();
    for (const [pattern] of catastrophic) {
      const hooks = {
        PreToolUse: [{ matcher: pattern, hooks: [{ type: 'command', argv: ['true'] }] }],
      };
      const place = { project: scene.project, agentRoots: [], path: scene.path };
      const table = await loadHookTable({
        layers: [{ tier: 'project', source: 'project.yaml', hooks }],
        place,
      });
      const engine = scene.engine(table);
      const times: number[] = [];
      for (let tries = 0; tries < 5; tries += 1) {
        const startedAt = performance.now();
        const outcome = await engine.dispatch('PreToolUse', {
          tool_name: `${'a'.repeat(50_000 + tries)}!`,
        });
        times.push(performance.now() - startedAt);
        expect(outcome.refused).toHaveLength(1);
      }
      expect(Math.min(...times)).toBeLessThan(10);
    }
  });
});
