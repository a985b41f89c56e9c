import { describe, expect, it } from 'vitest';
import { brief, HEAD, problemsOf } from './plan-from-text.js';

const codes = async (text: string): Promise<string[]> => [
  ...new Set((await problemsOf(text)).map((problem) => problem.code)),
];

const nested = (depth: number): string =>
  `${HEAD}tasks: [{ id: a, prompt: x, inputs: { v: ${'['.repeat(depth)}1${']'.repeat(depth)} } }]`;

describe('readPlan() bounds what a text can cost', () => {
  it('refuses a billion laughs without ever expanding an alias', async () => {
    const names = Array.from('abcdefghij');
    const lines = names.map((name, index) => {
      const before = names[index - 1];
      const items = before === undefined ? 'x' : Array<string>(9).fill(`*${before}`).join(', ');
      return `${name}: &${name} [${items}]`;
    });
    const problems = await problemsOf(HEAD + lines.join('\n'));
    expect(problems.filter((one) => one.code === 'ORCH_PLAN_ALIAS')).toHaveLength(10 + 9 * 9);
  });

  it.each([
    ['flow lists', '['],
    ['flow mappings', '{ a: '],
    ['compact block lists', '- '],
    ['explicit keys', '? '],
    ['mixed', 'a: [{ b: '],
  ])('refuses a mebibyte of nested %s before anything recurses into it', async (_, piece) => {
    const text = piece.repeat(Math.floor((1024 * 1024) / piece.length));
    expect(await codes(text)).toEqual(['ORCH_PLAN_TOO_DEEP']);
  });

  it('accepts 64 levels and refuses the next', async () => {
    // tasks, the task, inputs and v are the first four.
    expect(await codes(nested(60))).toEqual([]);
    expect(await codes(nested(61))).toEqual(['ORCH_PLAN_TOO_DEEP']);
  });

  it('accepts a mebibyte of text and refuses one more character', async () => {
    const frame = `${HEAD}tasks:\n  - id: a\n    prompt: |\n      \n`;
    const line = (length: number): string =>
      frame.replace('      \n', `      ${'x'.repeat(length)}\n`);
    const room = 1024 * 1024 - frame.length;
    expect(await codes(line(room))).toEqual([]);
    expect(await codes(line(room + 1))).toEqual(['ORCH_PLAN_TOO_LARGE']);
  });

  it('refuses more tokens than a plan can need', async () => {
    expect(await codes('a,'.repeat(500_000))).not.toContain('ORCH_PLAN_TOO_DEEP');
    expect(await codes(`[${'a,'.repeat(500_000)}]`)).toEqual(['ORCH_PLAN_TOO_LARGE']);
    expect(await codes('---\n'.repeat(200_000))).toEqual(['ORCH_PLAN_TOO_LARGE']);
  });

  it('lists at most 500 problems and counts the rest', async () => {
    const items = Array.from({ length: 2000 }, (_, index) => `{ id: T${index}, prompt: x }`);
    const problems = await problemsOf(`${HEAD}tasks: [${items.join(', ')}]`);
    expect(problems).toHaveLength(501);
    expect(problems.at(-1)?.message).toBe('1500 more problems are not listed');
    // One line of 64 kB, and none of the problems carries it.
    expect(Math.max(...problems.map((problem) => problem.excerpt.length))).toBeLessThan(200);
  });

  it.each([
    [
      'a chain of each',
      (n: number) =>
        `- { id: t0, run: [x], foreach: [1] }\n${Array.from({ length: n }, (_, i) => `- { id: t${i + 1}, run: [x], each: t${i} }`).join('\n')}`,
    ],
    [
      'a ring of needs',
      (n: number) =>
        Array.from(
          { length: n },
          (_, i) => `- { id: t${i}, run: [x], needs: [t${(i + 1) % n}] }`,
        ).join('\n'),
    ],
    [
      'unknown needs',
      (n: number) =>
        Array.from({ length: n }, (_, i) => `- { id: t${i}, run: [x], needs: [u${i}] }`).join('\n'),
    ],
  ])('comes to an end with %s of four thousand tasks', async (_, tasks) => {
    const problems = await problemsOf(`${HEAD}tasks:\n${tasks(4000)}\n`);
    expect(problems.length).toBeLessThanOrEqual(501);
  });

  it('reads the comment before an anchor or a tag once, whatever stands in it', async () => {
    const plan = (comment: string): string =>
      `${HEAD}# ${comment}\ntasks: &all\n  - { id: a, prompt: !tag x }\n`;
    const found = ['4:8 ORCH_PLAN_ALIAS', '5:22 ORCH_PLAN_TAG'];
    for (const comment of ['go', `go ${'!'.repeat(200)}, now`, `go ${'!a '.repeat(300)}, now`]) {
      expect((await problemsOf(plan(comment))).map(brief)).toEqual(found);
    }
  });

  it('reads a command with a mebibyte of references that nothing closes once', async () => {
    const text = `${HEAD}tasks:\n  - id: a\n    run: "${'${{ '.repeat(250_000)}"\n`;
    expect(await codes(text)).toEqual(['ORCH_PLAN_COMMAND']);
  });

  it('refuses NUL and other control characters, written out or escaped', async () => {
    const plan = (text: string): string => `${HEAD}tasks:\n  - id: a\n    prompt: ${text}\n`;
    expect(await codes(plan('a\u0000b'))).toEqual(['ORCH_PLAN_CONTROL_CHARACTER']);
    expect(await codes(plan('a\u001b[31mb'))).toEqual(['ORCH_PLAN_CONTROL_CHARACTER']);
    expect(await codes(plan('"a\\0b"'))).toEqual(['ORCH_PLAN_CONTROL_CHARACTER']);
    expect(await codes(plan('"a\\uD800b"'))).toEqual(['ORCH_PLAN_CONTROL_CHARACTER']);
    expect(await codes(plan('"a\\tb"'))).toEqual([]);
  });
});
