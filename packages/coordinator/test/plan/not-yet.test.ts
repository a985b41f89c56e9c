import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planJsonSchema, readPlan } from '../../src/plan/index.js';
import { RESERVED_KEYS } from '../../src/plan/reserved-keys.js';
import { RESERVED } from '../../src/plan/schema/words.js';
import { isObject } from '../../src/graph/json-kind.js';
import type { Json, JsonObject } from '../../src/json.js';
import { brief, HEAD, problemsOf } from './plan-from-text.js';

const TASK = 'tasks:\n  - id: a\n    prompt: Do it\n';

/** A plan with one more key at a place of the grammar. */
const PLACES: { readonly [place in keyof typeof RESERVED_KEYS]: (key: string) => string } = {
  plan: (key) => `${HEAD}${key}: x\n${TASK}`,
  limits: (key) => `${HEAD}limits: { ${key}: x }\n${TASK}`,
  workspace: (key) => `${HEAD}workspace: { ${key}: x }\n${TASK}`,
  deliver: (key) => `${HEAD}deliver: { ${key}: x }\n${TASK}`,
  gate: (key) => `${HEAD}gates: { g: { run: [make], ${key}: x } }\n${TASK}    gates: [g]\n`,
  agent: (key) => `${HEAD}agents: { b: { use: claude, ${key}: x } }\n${TASK}    agent: b\n`,
  defaults: (key) => `${HEAD}defaults: { ${key}: x }\n${TASK}`,
  task: (key) => `${HEAD}${TASK}    ${key}: x\n`,
  wave: (key) =>
    `${HEAD}waves:\n  - name: w\n    ${key}: x\n    tasks: [{ id: a, prompt: Do it }]\n`,
};

const reserved = Object.entries(RESERVED_KEYS).flatMap(([place, keys]) =>
  Object.keys(keys).map((key) => [place as keyof typeof RESERVED_KEYS, key] as const),
);

describe('readPlan() refuses reserved grammar by name', () => {
  it.each(reserved)('%s.%s is not yet, whatever its value', async (place, key) => {
    const [problem, ...more] = await problemsOf(PLACES[place](key));
    expect(more).toEqual([]);
    expect(problem?.code).toBe('ORCH_PLAN_NOT_YET');
    expect(problem?.message).toMatch(
      /^not yet: .* is reserved and does not work in this version; ./,
    );
    expect(problem?.message).toContain(`${key}:`);
    expect(problem?.path.split('.').at(-1)).toBe(key);
    // The control: a key that is not reserved is unknown.
    const [other] = await problemsOf(PLACES[place](`${key}x`));
    expect(other?.code).toBe('ORCH_PLAN_UNKNOWN_KEY');
  });

  it.each([
    ['isolation: sandbox', `${TASK}    isolation: sandbox\n`],
    ['no isolation for an agent', `${TASK}    isolation: none\n`],
    ['no isolation for all', `defaults: { isolation: none }\n${TASK}`],
    ['use: codex', `agents: { b: { use: codex, model: x } }\n${TASK}    agent: b\n`],
    ['agent: codex', `${TASK}    agent: codex\n`],
    ['unattended.approve', `unattended: { approve: accept, permission: deny }\n${TASK}`],
    ['placed files', `${TASK}    inputs: [{ from: "x", to: y }]\n`],
    ['file outputs', `${TASK}    output: { spec: { file: openapi.yaml } }\n`],
    ['JUnit outputs', 'tasks:\n  - id: a\n    run: [make]\n    output: { junit: report.xml }\n'],
  ])('%s is not yet', async (_, text) => {
    expect((await problemsOf(HEAD + text)).map((one) => one.code)).toEqual(['ORCH_PLAN_NOT_YET']);
  });

  it.each([
    ['isolation: clone', `${TASK}    isolation: clone\n`],
    ['isolation: none for a command', 'tasks: [{ id: a, run: [make], isolation: none }]\n'],
    [
      'the defaults of unattended',
      `unattended: { approve: stop, permission: deny, quota: park }\n${TASK}`,
    ],
    [
      'an agent that happens to be called codex',
      `agents: { codex: { use: claude } }\n${TASK}    agent: codex\n`,
    ],
    ['a field called file', `${TASK}    output: { spec: { file: string } }\n`],
  ])('%s works', async (_, text) => {
    expect(await problemsOf(HEAD + text)).toEqual([]);
  });

  it('refuses a plan that is a program', async () => {
    const [problem] = await problemsOf('export default {}', {}, 'orch.mjs');
    expect(problem?.code).toBe('ORCH_PLAN_NOT_YET');
  });

  it('finds in the example of the format exactly what is reserved, and nothing else', async () => {
    const directory = join(import.meta.dirname, '../testdata/plans/example');
    const result = await readPlan({
      file: 'orch.yaml',
      text: readFileSync(join(directory, 'orch.yaml'), 'utf8'),
      readFile: (path) => {
        const full = join(directory, path);
        return Promise.resolve(existsSync(full) ? readFileSync(full, 'utf8') : undefined);
      },
    });
    const problems = 'problems' in result ? result.problems : [];
    expect(problems.map((one) => `${brief(one)} ${one.path}`)).toEqual([
      '13:3 ORCH_PLAN_NOT_YET workspace.setup_key',
      '14:3 ORCH_PLAN_NOT_YET workspace.cache',
      '16:1 ORCH_PLAN_NOT_YET derived',
      '21:49 ORCH_PLAN_NOT_YET gates.unit.parse',
      '22:12 ORCH_PLAN_NOT_YET gates.clean.ast',
      '23:12 ORCH_PLAN_NOT_YET gates.sound.judge',
      '30:5 ORCH_PLAN_NOT_YET tasks[0].secrets',
      '50:5 ORCH_PLAN_NOT_YET tasks[2].loop',
      '54:5 ORCH_PLAN_NOT_YET tasks[3].approve',
      '55:12 ORCH_PLAN_NOT_YET deliver.pr',
      '56:1 ORCH_PLAN_NOT_YET notify',
    ]);
  });
});

describe('planJsonSchema()', () => {
  it('marks as reserved exactly the keys that are refused', () => {
    const schema = planJsonSchema();
    const definitions = (path: readonly string[]): JsonObject => {
      let found: Json | undefined = schema;
      for (const key of path) found = isObject(found) ? found[key] : undefined;
      return isObject(found) ? found : {};
    };
    const entry = (section: string): string[] => [
      'properties',
      section,
      'additionalProperties',
      'properties',
    ];
    const wave = ['properties', 'waves', 'items', 'properties'];
    const places: { readonly [place: string]: readonly string[] } = {
      plan: ['properties'],
      limits: ['properties', 'limits', 'properties'],
      workspace: ['properties', 'workspace', 'properties'],
      deliver: ['properties', 'deliver', 'properties'],
      gate: entry('gates'),
      agent: entry('agents'),
      defaults: ['properties', 'defaults', 'properties'],
      task: ['properties', 'tasks', 'items', 'properties'],
      wave,
    };
    for (const [place, path] of Object.entries(places)) {
      const marked = Object.entries(definitions(path))
        .filter(([, value]) => isObject(value) && value['description'] === RESERVED)
        .map(([key]) => key);
      const refused = Object.keys(RESERVED_KEYS[place as keyof typeof RESERVED_KEYS]);
      expect(marked.sort(), place).toEqual(refused.sort());
    }
    expect(Object.keys(definitions([...wave, 'tasks', 'items', 'properties']))).toEqual(
      Object.keys(definitions(['properties', 'tasks', 'items', 'properties'])),
    );
  });

  it('is plain JSON with the grammar in it', () => {
    const schema = planJsonSchema();
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
    expect(schema['additionalProperties']).toBe(false);
    expect(schema['required']).toEqual(['version', 'name']);
    expect(schema['$schema']).toContain('2020-12');
  });
});
