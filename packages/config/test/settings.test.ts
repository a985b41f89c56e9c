import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createSettings, formatProblem, type Source } from '../src/index.js';
import { setScene } from './scene.js';

const value = (tier: string, settings: unknown, name = tier): Source => ({
  tier,
  name,
  value: settings as never,
});
const load = (sources: readonly Source[], more: object = {}) =>
  createSettings({ sources, environment: {}, ...more }).load();

describe('tiers', () => {
  it('a scalar of a higher tier wins, whatever the order of the sources', async () => {
    const sources = ['managed', 'project', 'user', 'defaults', 'session', 'local'].map((tier) =>
      value(tier, { [tier]: tier, who: tier }),
    );
    const { value: settled } = await load(sources);
    expect(settled).toMatchObject({ who: 'managed', defaults: 'defaults', local: 'local' });
    const order = ['defaults', 'user', 'project', 'local', 'session', 'managed'];
    for (const [index, tier] of order.entries()) {
      const lower = sources.filter((one) => order.indexOf(one.tier) <= index);
      expect((await load(lower)).value).toMatchObject({ who: tier });
    }
  });

  it('objects merge deeply, lists join low to high without doubles, other kinds replace', async () => {
    const { value: settled } = await load([
      value('user', { a: { x: 1, deep: { one: 1 } }, list: ['b', 'a', { k: 1, l: 2 }], kind: [1] }),
      value('session', {
        a: { y: 2, deep: { two: 2 } },
        list: ['a', 'c', { l: 2, k: 1 }],
        kind: 'text',
      }),
    ]);
    expect(settled).toEqual({
      a: { x: 1, y: 2, deep: { one: 1, two: 2 } },
      list: ['b', 'a', { k: 1, l: 2 }, 'c'],
      kind: 'text',
    });
  });

  it('tiers are given: two of them, other names', async () => {
    const tiers = [{ name: 'low' }, { name: 'high' }];
    const loaded = await load([value('high', { a: 1 }), value('low', { a: 2, b: 2 })], { tiers });
    expect(loaded.value).toEqual({ a: 1, b: 2 });
  });

  it('drop-ins of a policy are read in the order of their names and cannot be overridden', async () => {
    const scene = setScene();
    scene.write('policy.d/20-b.yaml', 'model: from-20\nlist: [b]\n');
    scene.write('policy.d/10-a.json', '{ "model": "from-10", "list": ["a"], "only": 10 }');
    scene.write('policy.d/30-c.toml', 'list = ["c"]\n');
    scene.write('policy.d/README.md', 'not settings');
    scene.write('policy.d/.40-hidden.json', '{ "model": "hidden" }');
    const sources: Source[] = [
      { tier: 'managed', directory: scene.path('policy.d') },
      value('session', { model: 'from-flag', only: 'from-flag', list: ['z'] }),
    ];
    const loaded = await load(sources);
    expect(loaded.value).toEqual({ model: 'from-20', only: 10, list: ['z', 'a', 'b', 'c'] });
    // The same directory in a lower tier does lose: it is the tier that decides.
    const lower = await load([
      { tier: 'user', directory: scene.path('policy.d') },
      sources[1] as Source,
    ]);
    expect(lower.value).toMatchObject({ model: 'from-flag' });
  });

  it('what is not there sets nothing and is no problem', async () => {
    const scene = setScene();
    const loaded = await load([
      { tier: 'user', file: scene.path('nothing.yaml') },
      { tier: 'managed', directory: scene.path('nothing.d') },
      { tier: 'project', file: join(scene.write('a-file', 'x'), 'below.json') },
    ]);
    expect(loaded).toMatchObject({ value: {}, problems: [] });
  });

  it('an empty file, and one of comments alone, set nothing; in JSON a comment is a fault', async () => {
    const scene = setScene();
    const files = ['a.yaml', 'b.toml', 'c.jsonc', 'e.json'].map((name, index) => ({
      tier: 'user',
      file: scene.write(name, ['# nothing\n', '# nothing\n', '// nothing\n', ' \n'][index] ?? ''),
    }));
    expect(await load(files)).toMatchObject({ value: {}, problems: [] });
    const empty = await load([{ tier: 'user', file: scene.write('d.json', '// nothing') }]);
    expect(empty.problems[0]).toMatchObject({ code: 'ORCH_CONFIG_SYNTAX', line: 1, column: 1 });
  });
});

describe('problems', () => {
  const schema = z.strictObject({
    parallel: z.number().optional(),
    mode: z.enum(['sandbox', 'clone']).optional(),
    permissions: z.strictObject({ allow: z.array(z.string()).optional() }).optional(),
    agents: z.record(z.string(), z.strictObject({ use: z.string() })).optional(),
    port: z.union([z.number(), z.strictObject({ from: z.number() })]).optional(),
    apiKey: z.string().min(30, 'too short for a key').optional(),
  });

  it('all errors of all files at once, each with file, line, column, path, expected, received, suggestion', async () => {
    const scene = setScene();
    const user = scene.write('user.yaml', 'parallel: many\nmode: sandbx\n');
    const project = scene.write(
      'project.json',
      '{\n  "permisions": {},\n  "permissions": { "allow": ["Read", 7] },\n  "agents": { "a": {} }\n}\n',
    );
    const local = scene.write('local.toml', '[permissions]\nalow = []\n[port]\nfrom = "x"\n');
    const { value: settled, problems } = await load(
      [
        { tier: 'user', file: user },
        { tier: 'project', file: project },
        { tier: 'local', file: local },
      ],
      { schema },
    );
    expect(settled).toBeUndefined();
    const seen = problems.map(
      ({ source, line, column, path, code, expected, received, suggestion }) => [
        source.slice(scene.root.length + 1),
        ...[line, column, path, code.slice(12), expected, received, suggestion],
      ],
    );
    const allKeys = 'one of parallel, mode, permissions, agents, port, apiKey';
    expect(seen).toEqual([
      ['user.yaml', 1, 11, 'parallel', 'WRONG_TYPE', 'a number', 'the text "many"', undefined],
      [
        'user.yaml',
        2,
        7,
        'mode',
        'WRONG_VALUE',
        'one of sandbox, clone',
        'the text "sandbx"',
        'sandbox',
      ],
      ['project.json', 2, 3, 'permisions', 'UNKNOWN_KEY', allKeys, 'permisions', 'permissions'],
      ['project.json', 3, 38, 'permissions.allow[1]', 'WRONG_TYPE', 'a text', '7', undefined],
      ['project.json', 4, 20, 'agents.a.use', 'MISSING_KEY', 'a text', undefined, undefined],
      ['local.toml', 2, 1, 'permissions.alow', 'UNKNOWN_KEY', 'one of allow', 'alow', 'allow'],
      ['local.toml', 4, 8, 'port.from', 'WRONG_TYPE', 'a number', 'the text "x"', undefined],
    ]);
    expect(formatProblem(problems[2] as never)).toBe(
      `${project}:2:3: settings have no key "permisions"; did you mean permissions?`,
    );
  });

  it('without the mistakes the same files have a value', async () => {
    const scene = setScene();
    const file = scene.write('user.yaml', 'parallel: 3\nmode: sandbox\nport: { from: 1 }\n');
    const loaded = await load([{ tier: 'user', file }], { schema });
    expect(loaded.value).toEqual({ parallel: 3, mode: 'sandbox', port: { from: 1 } });
    expect(loaded.require()).toBe(loaded.value);
  });

  it('a value of a list keeps its place in its own file after lists were joined', async () => {
    const scene = setScene();
    const low = scene.write('low.yaml', 'permissions:\n  allow:\n    - Read\n    - 7\n');
    const high = scene.write('high.yaml', 'permissions:\n  allow: [Read, Write, 8]\n');
    const { problems } = await load(
      [
        { tier: 'user', file: low },
        { tier: 'session', file: high },
      ],
      { schema },
    );
    expect(problems.map(({ source, line, column, path }) => [source, line, column, path])).toEqual([
      [low, 4, 7, 'permissions.allow[1]'],
      [high, 2, 24, 'permissions.allow[3]'],
    ]);
  });

  it.each([
    ['json', '{ "a": 1,, }', 1, 10],
    ['json', '{ "a": 1 // why\n}', 1, 10],
    ['json', '{ "a": 1 } x', 1, 12],
    ['json', '{ "a": 1, "b": 2, "a": 3 }', 1, 19],
    ['json', '[1]', 1, 1],
    ['json', '{ "n": 12345678901234567890 }', 1, 8],
    ['json', '{ "x": { "__proto__": { "y": 1 } } }', 1, 10],
    ['jsonc', '{ "a": 1, "a": 2 } // twice', 1, 11],
    ['jsonc', '/* x */ { "__proto__": 1 }', 1, 11],
    ['yaml', 'a: 1\nb: [1, 2\n', 3, 1],
    ['yaml', 'a: 1\na: 2\n', 2, 1],
    ['yaml', 'a: &x 1\n', 1, 7],
    ['yaml', 'a: !!binary aGk=\n', 1, 13],
    ['yaml', 'a: 1\n---\nb: 2\n', 2, 1],
    ['yaml', '- 1\n', 1, 1],
    ['yaml', 'a: .nan\n', 1, 4],
    ['yaml', '__proto__: 1\n', 1, 1],
    ['yaml', '? [a]\n: 1\n', 1, 3],
    ['yaml', 'a:\n\tb: 1\n', 2, 1],
    ['toml', 'a = 1\na = 2\n', 2, 1],
    ['toml', 'a = nan\n', 1, 5],
    ['toml', '[a]\nb = \n', 2, 5],
    ['toml', '["__proto__"]\nb = 1\n', 1, 2],
    ['toml', 'n = 9007199254740993\n', 1, 5],
  ])(
    '%s %j is refused at %i:%i, and its file gives no value',
    async (format, text, line, column) => {
      const scene = setScene();
      const file = scene.write(`bad.${format}`, text);
      const good = scene.write('good.json', '{ "fine": true }');
      const loaded = await load([
        { tier: 'user', file: good },
        { tier: 'project', file },
      ]);
      expect(loaded.value).toBeUndefined();
      expect(loaded.problems[0]).toMatchObject({ source: file, severity: 'error', line, column });
      // What the other files say is still there to be shown.
      expect(loaded.merged).toEqual({ fine: true });
      expect(Object.getPrototypeOf({})).not.toHaveProperty('y');
    },
  );

  it('the same in good form is taken', async () => {
    const scene = setScene();
    const files = [
      scene.write('a.json', '{ "n": 9007199254740991, "s": "\\u00e9" }'),
      scene.write('b.jsonc', '{ "b": 1, /* why */ }'),
      scene.write('c.yaml', 'c: [1, 2]\n3: three\nempty:\n'),
      scene.write('d.toml', 'd = 2020-01-01\n[t.u]\nv = 0x10\n[[l]]\nm = 1\n[[l]]\nm = 2\n'),
    ];
    const loaded = await load(files.map((file) => ({ tier: 'user', file })));
    expect(loaded.problems).toEqual([]);
    expect(loaded.value).toEqual({
      ...{ n: 9007199254740991, s: 'é', b: 1, c: [1, 2], '3': 'three', empty: null },
      ...{ d: '2020-01-01', t: { u: { v: 16 } }, l: [{ m: 1 }, { m: 2 }] },
    });
    expect(loaded.origin('l[1].m')).toMatchObject({ line: 7, column: 5 });
  });

  it('require() throws all of them in one typed error', async () => {
    const loaded = await load([value('user', { parallel: 'x', mode: 'y' })], { schema });
    expect(() => loaded.require()).toThrow(
      expect.objectContaining({
        code: 'ORCH_CONFIG_INVALID',
        message: expect.stringMatching(
          /parallel: expected a number.*\n.*mode: expected one of/,
        ) as unknown,
      }),
    );
  });

  it('a schema that throws is a problem, not a crash', async () => {
    const broken = z.object({}).transform(() => {
      throw new Error('boom');
    });
    const loaded = await load([value('user', {})], { schema: broken });
    expect(loaded.problems).toMatchObject([{ code: 'ORCH_CONFIG_WRONG_VALUE', severity: 'error' }]);
    expect(loaded.value).toBeUndefined();
  });

  it('a value that JSON cannot hold is refused: a circle, a function, a Map', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    for (const bad of [circle, { f: () => 1 }, { m: new Map() }, { n: NaN }, 'text', [1]]) {
      const loaded = await load([value('session', bad)]);
      expect(loaded.value).toBeUndefined();
      expect(loaded.problems).not.toEqual([]);
    }
    expect((await load([value('session', { left: undefined, kept: 1 })])).value).toEqual({
      kept: 1,
    });
  });

  it('options that contradict each other are typed errors', () => {
    expect(() => createSettings({ sources: [value('nobody', {})] })).toThrow(
      expect.objectContaining({ code: 'ORCH_CONFIG_SPEC' }),
    );
    expect(() =>
      createSettings({ sources: [], guards: [{ path: 'a[0]', kind: 'trusted' }] }),
    ).toThrow(expect.objectContaining({ code: 'ORCH_CONFIG_SPEC' }));
    expect(() =>
      createSettings({ sources: [], guards: [{ path: 'a b', kind: 'trusted' }] }),
    ).toThrow(expect.objectContaining({ code: 'ORCH_CONFIG_PATH' }));
  });
});

describe('provenance', () => {
  it('every leaf knows tier, file, line and column', async () => {
    const scene = setScene();
    const user = scene.write('user.yaml', 'env:\n  A: one\n  B: two\nlist: [x]\n');
    const managed = scene.write('managed.toml', 'list = ["y"]\n[env]\nB = "three"\n');
    const loaded = await load([
      { tier: 'user', file: user },
      { tier: 'managed', file: managed },
      value('session', { flag: true }, 'command line'),
    ]);
    expect(loaded.leaves()).toEqual([
      { path: 'env.A', value: 'one', origin: { tier: 'user', source: user, line: 2, column: 6 } },
      {
        path: 'env.B',
        value: 'three',
        origin: { tier: 'managed', source: managed, line: 3, column: 5 },
      },
      { path: 'list[0]', value: 'x', origin: { tier: 'user', source: user, line: 4, column: 8 } },
      {
        path: 'list[1]',
        value: 'y',
        origin: { tier: 'managed', source: managed, line: 1, column: 9 },
      },
      { path: 'flag', value: true, origin: { tier: 'session', source: 'command line' } },
    ]);
  });

  it('explain names who set it and who lost, high to low', async () => {
    const scene = setScene();
    const user = scene.write('user.yaml', 'model: small\nlist: [a]\n');
    const loaded = await load([
      { tier: 'user', file: user },
      value('session', { model: 'large', list: ['b'] }, 'command line'),
    ]);
    expect(loaded.explain('model')).toEqual({
      path: 'model',
      value: 'large',
      contributions: [
        { outcome: 'wins', value: 'large', origin: { tier: 'session', source: 'command line' } },
        {
          outcome: 'loses',
          value: 'small',
          origin: { tier: 'user', source: user, line: 1, column: 8 },
        },
      ],
    });
    expect(loaded.explain('list').contributions.map(({ outcome }) => outcome)).toEqual([
      'joins',
      'joins',
    ]);
    expect(loaded.explain('nothing')).toEqual({
      path: 'nothing',
      value: undefined,
      contributions: [],
    });
  });

  it('explain quotes what the schema says about a setting', async () => {
    const schema = z.object({ model: z.string().describe('Which model agents use.') });
    const loaded = await load([value('user', { model: 'x' })], { schema });
    expect(loaded.explain('model').description).toBe('Which model agents use.');
  });
});
