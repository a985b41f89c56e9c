import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPlan, type PlanProblem } from '../../src/plan/index.js';

const directory = join(import.meta.dirname, '../testdata/plans/faulty');

/** `# expect: [file:]line:column CODE [at path] [suggests text] [says fragment]`, at the end of a plan. */
const EXPECT =
  /^# expect: (?:(\S+?):)?(\d+):(\d+) (ORCH_\w+)(?: at (\S+(?: \S+"\])?))?(?: suggests (.*?))?(?: says (.*))?$/gm;

async function read(file: string): Promise<{ text: string; problems: readonly PlanProblem[] }> {
  const text = readFileSync(join(directory, file), 'utf8');
  const result = await readPlan({
    file,
    text,
    readFile: (path) => {
      const full = join(directory, path);
      return Promise.resolve(existsSync(full) ? readFileSync(full, 'utf8') : undefined);
    },
  });
  return { text, problems: 'problems' in result ? result.problems : [] };
}

describe('readPlan() finds every problem of a faulty plan, each at its place', () => {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'));

  it.each(files)('%s', async (file) => {
    const { text, problems } = await read(file);
    const expected = [...text.matchAll(EXPECT)];
    expect(expected.length).toBeGreaterThan(0);
    expect(expected).toHaveLength(text.match(/^# expect:/gm)?.length ?? 0);
    expect(problems.map((one) => `${one.file}:${one.line}:${one.column} ${one.code}`)).toEqual(
      expected.map(([, other, line, column, code]) => `${other ?? file}:${line}:${column} ${code}`),
    );
    for (const [index, [, , , , , path, suggestion, fragment]] of expected.entries()) {
      const problem = problems[index];
      if (path !== undefined) expect(problem?.path).toBe(path);
      if (suggestion !== undefined) expect(problem?.suggestion).toBe(suggestion);
      if (fragment !== undefined) expect(problem?.message).toContain(fragment);
      expect(problem?.severity).toBe('error');
    }
  });

  it('points at the character under the caret', async () => {
    for (const file of files) {
      const { problems } = await read(file);
      for (const one of problems) {
        const lines = readFileSync(join(directory, one.file), 'utf8').split('\n');
        expect(lines[one.line - 1]).toBe(one.excerpt);
        expect(one.caret).toBe(one.column - 1);
      }
    }
  });

  it('covers every code that reading can give', async () => {
    const found = new Set<string>();
    for (const file of files) for (const one of (await read(file)).problems) found.add(one.code);
    const source = readFileSync(join(import.meta.dirname, '../../src/plan/problem.ts'), 'utf8');
    const elsewhere = [
      // Generated texts: `bounds.test.ts`.
      'ORCH_PLAN_TOO_LARGE',
      'ORCH_PLAN_TOO_DEEP',
      // A warning: `read-plan.test.ts`.
      'ORCH_PLAN_UNUSED',
      // Given to `compilePlan`: `compile-plan.test.ts`.
      'ORCH_PLAN_INPUT_UNKNOWN',
      'ORCH_PLAN_INPUT_MISSING',
      'ORCH_PLAN_INPUT_TYPE',
    ];
    const declared = [...source.matchAll(/^ {2}\| '(ORCH_PLAN_\w+)'/gm)].map(
      ([, code]) => code ?? '',
    );
    expect(declared.length).toBeGreaterThan(30);
    expect([...found].sort()).toEqual(declared.filter((code) => !elsewhere.includes(code)).sort());
  });
});
