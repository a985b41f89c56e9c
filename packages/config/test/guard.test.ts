import { describe, expect, it } from 'vitest';
import { createSettings, type Guard, type Source, type Tier } from '../src/index.js';
import { setScene } from './scene.js';

const guards: readonly Guard[] = [
  { path: 'permissions.allow', kind: 'grants', closedBy: 'permissions.policyOnly' },
  { path: 'permissions.deny', kind: 'denials', of: 'permissions.allow' },
  { path: 'isolation', kind: 'ordered', order: ['sandbox', 'clone', 'none'] },
  { path: 'agents.*.network', kind: 'ordered', order: ['none', 'model', 'open'] },
  { path: 'usd', kind: 'ceiling' },
  { path: 'environment.set', kind: 'trusted' },
  { path: 'environment.pass', kind: 'grants' },
];
const say = (tier: string, settings: object): Source => ({
  tier,
  name: tier,
  value: settings as never,
});
const load = (
  sources: readonly Source[],
  more: { tiers?: readonly Tier[]; guards?: readonly Guard[] } = {},
) => createSettings<Record<string, unknown>>({ sources, guards, environment: {}, ...more }).load();

const mine = say('user', {
  permissions: { allow: ['Read', 'Edit'], deny: ['WebFetch'] },
  isolation: 'clone',
  agents: { claude: { network: 'model' } },
  usd: 5,
  environment: { set: { A: '1' }, pass: ['LANG'] },
});

describe.each(['project', 'local'])('the %s tier', (tier) => {
  const wide = {
    permissions: { allow: ['Edit', 'Bash(*)', 'Read'], deny: [] },
    isolation: 'none',
    agents: { claude: { network: 'open' }, other: { network: 'open' } },
    usd: 500,
    environment: { set: { LD_PRELOAD: 'x' }, pass: ['LANG', 'AWS_SECRET_ACCESS_KEY'] },
  };

  it('never widens permissions, environment, isolation, network, budget, and says what it tried', async () => {
    const loaded = await load([mine, say(tier, wide)]);
    expect(loaded.value).toEqual({
      permissions: { allow: ['Read', 'Edit'], deny: ['WebFetch'] },
      isolation: 'clone',
      agents: { claude: { network: 'model' }, other: {} },
      usd: 5,
      environment: { set: { A: '1' }, pass: ['LANG'] },
    });
    expect(loaded.problems.map(({ path, code, severity }) => [path, code, severity])).toEqual(
      [
        'permissions.allow[1]',
        'isolation',
        'agents.claude.network',
        'agents.other.network',
        'usd',
        'environment.set',
        'environment.pass[1]',
      ].map((path) => [path, 'ORCH_CONFIG_WIDENS', 'warning']),
    );
  });

  it('widens all of it when it is trusted: the tier is what holds it back', async () => {
    const tiers = ['user', tier].map((name) => ({ name }));
    const loaded = await load([mine, say(tier, wide)], { tiers });
    expect(loaded.value).toMatchObject({
      permissions: { allow: ['Read', 'Edit', 'Bash(*)'] },
      isolation: 'none',
      usd: 500,
      environment: { set: { LD_PRELOAD: 'x' } },
    });
    expect(loaded.problems).toEqual([]);
  });

  it('narrows all of it', async () => {
    const narrow = {
      permissions: { deny: ['Edit'] },
      isolation: 'sandbox',
      agents: { claude: { network: 'none' } },
      usd: 1,
    };
    const loaded = await load([mine, say(tier, narrow)]);
    expect(loaded.value).toMatchObject({
      permissions: { allow: ['Read'], deny: ['WebFetch', 'Edit'] },
      isolation: 'sandbox',
      agents: { claude: { network: 'none' } },
      usd: 1,
    });
    expect(loaded.problems).toEqual([]);
  });

  it.each([
    { permissions: null },
    { permissions: 'all' },
    { permissions: [] },
    { permissions: { deny: null } },
    { permissions: { deny: 'none' } },
    { permissions: { deny: {} } },
    { agents: null },
    { environment: false },
  ])('does not push guarded settings aside with %j', async (attack) => {
    const loaded = await load([mine, say(tier, attack)]);
    expect(loaded.value).toEqual((await load([mine])).value);
    expect(loaded.problems).toMatchObject([{ code: 'ORCH_CONFIG_WIDENS' }]);
    const unguarded = await load([mine, say(tier, attack)], { guards: [] });
    expect(unguarded.value).not.toEqual((await load([mine])).value);
  });

  it('grants nothing where nobody trusted granted anything', async () => {
    const loaded = await load([
      say(tier, { permissions: { allow: ['Read'] }, isolation: 'clone' }),
    ]);
    expect(loaded.value).toEqual({ permissions: { allow: [] } });
  });

  it('is measured by all trusted tiers, also higher ones', async () => {
    const session = say('session', { permissions: { allow: ['Bash(ls)'] }, usd: 2 });
    const loaded = await load([
      mine,
      say(tier, { permissions: { allow: ['Bash(ls)'] }, usd: 3 }),
      session,
    ]);
    expect(loaded.value).toMatchObject({
      permissions: { allow: ['Read', 'Edit', 'Bash(ls)'] },
      usd: 2,
    });
  });
});

describe('deny', () => {
  it.each(['defaults', 'user', 'project', 'local', 'session', 'managed'])(
    'of the %s tier takes out what any tier allows',
    async (tier) => {
      const loaded = await load([
        say('user', { permissions: { allow: ['A', 'B'] } }),
        say('managed', { permissions: { allow: ['C'] } }),
        say(tier, { permissions: { deny: ['A', 'C'] } }),
      ]);
      expect(loaded.value).toEqual({ permissions: { allow: ['B'], deny: ['A', 'C'] } });
      expect(loaded.explain('permissions.allow').contributions).toContainEqual(
        expect.objectContaining({
          outcome: 'denied',
          value: 'A',
          origin: expect.objectContaining({ tier }) as unknown,
        }),
      );
    },
  );

  it('without the guard the lists stay as they were joined', async () => {
    const sources = [say('user', { permissions: { allow: ['A'], deny: ['A'] } })];
    expect((await load(sources, { guards: [] })).value).toEqual({
      permissions: { allow: ['A'], deny: ['A'] },
    });
  });
});

describe('a policy', () => {
  const policy = say('managed', { permissions: { allow: ['Read'], policyOnly: true } });

  it('closes a list for everybody, and names what no longer counts', async () => {
    const loaded = await load([mine, policy, say('session', { permissions: { allow: ['X'] } })]);
    expect(loaded.value).toMatchObject({ permissions: { allow: ['Read'] } });
    expect(loaded.problems.map(({ path, code, tier }) => [path, code, tier])).toEqual([
      ['permissions.allow[1]', 'ORCH_CONFIG_CLOSED', 'user'],
      ['permissions.allow[0]', 'ORCH_CONFIG_CLOSED', 'session'],
    ]);
  });

  it('is the only one that can: the same switch of a user closes nothing', async () => {
    const loaded = await load([
      say('user', { permissions: { allow: ['Read'], policyOnly: true } }),
      say('session', { permissions: { allow: ['X'] } }),
    ]);
    expect(loaded.value).toMatchObject({ permissions: { allow: ['Read', 'X'] } });
  });
});

describe('what was refused', () => {
  it('has its place in its own file, and what stays keeps its own', async () => {
    const scene = setScene();
    const user = scene.write('user.yaml', 'permissions:\n  allow: [Read]\n');
    const project = scene.write(
      'project.yaml',
      'permissions:\n  allow:\n    - Bash(*)\n    - Read\n  deny:\n    - Web\n',
    );
    const loaded = await load([
      { tier: 'user', file: user },
      { tier: 'project', file: project },
    ]);
    expect(loaded.problems).toMatchObject([{ source: project, line: 3, column: 7 }]);
    expect(loaded.problems[0]?.message).toContain('permissions.allow[0]');
    expect(loaded.origin('permissions.deny[0]')).toMatchObject({ source: project, line: 6 });
    expect(loaded.explain('permissions.allow').contributions).toMatchObject(
      [
        { outcome: 'joins', origin: { tier: 'project' } },
        { outcome: 'refused', value: 'Bash(*)', origin: { line: 3 }, reason: /never widen/ },
        { outcome: 'joins', origin: { tier: 'user' } },
      ].map((one) => ({
        ...one,
        ...(one.reason ? { reason: expect.stringMatching(one.reason) as unknown } : {}),
      })),
    );
  });
});
