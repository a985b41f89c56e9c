import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { orch } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';

let repository: TestRepository;
beforeEach(() => {
  repository = makeRepository();
});
afterEach(() => repository.remove());

const plan = (tasks: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): void => {
  const value = { version: 1, name: 'verbs', ...more, tasks };
  repository.write({ 'orch.yaml': JSON.stringify(value, null, 2) });
};
const verbs = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  orch(repository, argv, { env });
const work = { id: 'work', sh: 'echo said; echo work > work.txt', effect: 'diff' };
const run = ['run', 'orch.yaml', '--yes'];

describe('a cold start', () => {
  /** Every module that was loaded, as V8 itself counted. */
  async function loaded(argv: readonly string[]): Promise<readonly string[]> {
    const coverage = path.join(repository.home, `coverage-${argv.join('-')}`);
    await verbs(argv, { NODE_V8_COVERAGE: coverage });
    return readdirSync(coverage).flatMap((name) => {
      const report = JSON.parse(readFileSync(path.join(coverage, name), 'utf8')) as {
        result: readonly { url: string }[];
      };
      return report.result.map(({ url }) => url);
    });
  }
  const heavy = (urls: readonly string[]): readonly string[] => [
    ...new Set(
      urls.flatMap(
        (url) =>
          /\/(zod|yaml|scripted-model|agents|workspace|mcp)\/(?:dist|v4|lib|index)/.exec(
            url,
          )?.[1] ?? [],
      ),
    ),
  ];

  it.each([
    [['--help']],
    [['--version']],
    [['status']],
    [['why', 'work']],
    [['logs', 'work']],
    [['sessions', 'list']],
  ])(
    'orch %j loads neither zod nor yaml nor the scripted model nor a driver nor MCP',
    async (argv) => {
      plan([work]);
      await verbs(run);
      const urls = await loaded(argv);
      expect(urls.some((url) => url.endsWith('/apps/cli/dist/orch.js'))).toBe(true);
      expect(heavy(urls)).toEqual([]);
    },
  );

  it('the witness sees them where they are used', async () => {
    plan([work]);
    expect(heavy(await loaded(['plan', 'check', 'orch.yaml']))).toEqual(
      expect.arrayContaining(['zod', 'yaml']),
    );
    const ofRun = heavy(await loaded(['run', 'orch.yaml', '--yes']));
    expect(ofRun).toEqual(expect.arrayContaining(['scripted-model', 'agents', 'workspace']));
    expect(ofRun).not.toContain('mcp');
    plan([{ ...work, mcp: ['memory'] }]);
    expect(heavy(await loaded(['run', 'orch.yaml', '--json']))).toContain('mcp');
  });
});
