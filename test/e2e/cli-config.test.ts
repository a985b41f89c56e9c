import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { orch } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';

let repository: TestRepository;
beforeEach(() => {
  repository = makeRepository();
});
afterEach(() => repository.remove());

const user = (text: string): string => {
  const file = path.join(repository.home, '.config', 'orch', 'settings.yaml');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};
const verbs = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  orch(repository, argv, { env });

describe('orch config', () => {
  it('show --origin says who set each value, without secrets', async () => {
    const file = user(
      'parallel: 3\nclaude:\n  keyHelper: [print-key, --token, sk-ant-fake-0123456789]\n',
    );
    repository.write({ 'orch.settings.yaml': 'environment:\n  deny: [LANG]\n' });
    const shown = await verbs(['config', 'show', '--origin']);
    expect(shown.stdout).toBe(
      [
        `parallel = 3  user ${file}:1:11`,
        `claude.keyHelper[0] = "print-key"  user ${file}:3:15`,
        `claude.keyHelper[1] = "--token"  user ${file}:3:26`,
        `claude.keyHelper[2] = "[redacted]"  user ${file}:3:35`,
        `environment.deny[0] = "LANG"  project ${repository.root}/orch.settings.yaml:2:10`,
        '',
      ].join('\n'),
    );
    expect(shown.code).toBe(0);
  });

  it('explain names the winner, the loser, and what a repository was refused', async () => {
    user('parallel: 3\nenvironment: { pass: [MINE] }\n');
    repository.write({
      'orch.settings.yaml': 'parallel: 2\nenvironment: { pass: [AWS_PROFILE] }\n',
    });
    const parallel = await verbs(['config', 'explain', 'parallel']);
    expect(parallel.stdout).toMatch(
      /^parallel: 2\n {2}How many attempts.*\n {2}wins +2 {2}project .*\n {2}loses +3 {2}user /,
    );
    const pass = await verbs(['config', 'explain', 'environment.pass', '--json']);
    expect(JSON.parse(pass.stdout)).toMatchObject({
      value: ['MINE'],
      contributions: [{ outcome: 'refused', value: 'AWS_PROFILE' }, { outcome: 'joins' }],
    });
    expect((await verbs(['config', 'explain', 'a b'])).code).toBe(2);
  });

  it('check lists every mistake of every tier, with its place, and exits with 2', async () => {
    const file = user('paralel: 3\n');
    repository.write({
      'orch.settings.yaml': 'parallel: [\n',
      '.orch/settings.local.yaml': 'parallel: 0.5\n',
    });
    const { stdout, code } = await verbs(['config', 'check']);
    expect(stdout).toContain(`${file}:1:1: settings have no key "paralel"; did you mean parallel?`);
    expect(stdout).toContain(`${repository.root}/orch.settings.yaml:2:1: `);
    expect(stdout).toContain('settings.local.yaml:1:11: parallel: expected a whole number');
    expect(code).toBe(2);
    user('parallel: 3\n');
    repository.write({ 'orch.settings.yaml': '', '.orch/settings.local.yaml': '' });
    expect(await verbs(['config', 'check'])).toMatchObject({ code: 0, stdout: '✔ 1 setting\n' });
  });

  it('schema is a JSON Schema that knows the keys', async () => {
    const { stdout } = await verbs(['config', 'schema']);
    expect(Object.keys((JSON.parse(stdout) as { properties: object }).properties)).toEqual([
      'parallel',
      'environment',
      'claude',
      'hooks',
      'hookPolicy',
    ]);
  });

  it('reads nothing through a link that leads out of the repository', async () => {
    const outside = path.join(repository.home, 'secrets.yaml');
    writeFileSync(outside, 'fake-hunter2: 1\n');
    symlinkSync(outside, path.join(repository.root, 'orch.settings.yaml'));
    const { stdout, stderr } = await verbs(['config', 'check']);
    expect(stdout).toContain('lies outside of');
    expect(stdout + stderr).not.toContain('fake-hunter2');
  });
});

describe('bad settings', () => {
  it.each([
    ['user', 'a: [\n'],
    ['project', 'paralel: 1\n'],
    ['local', '\u0000'],
    ['session', 'parallel: many\n'],
  ])('of the %s tier never stop orch doctor, which explains them', async (tier, text) => {
    const session = path.join(repository.home, 'session.yaml');
    writeFileSync(session, tier === 'session' ? text : '');
    if (tier === 'user') user(text);
    if (tier === 'project') repository.write({ 'orch.settings.yaml': text });
    if (tier === 'local') repository.write({ '.orch/settings.local.yaml': text });
    const { stdout, code } = await verbs(['doctor'], { ORCH_SETTINGS: session });
    expect(stdout).toMatch(/✖ settings: .*\.yaml:\d+:\d+: /);
    for (const what of ['node', 'git', 'repository', 'isolation', 'parallelism', 'state']) {
      expect(stdout).toContain(` ${what}: `);
    }
    expect(code).toBe(7);
    // And they stop a run before anything starts.
    repository.write({
      'orch.yaml': JSON.stringify({
        version: 1,
        name: 'x',
        tasks: [{ id: 'a', sh: 'true', effect: 'none', gates: [] }],
      }),
    });
    const run = await verbs(['run', 'orch.yaml', '--yes'], { ORCH_SETTINGS: session });
    expect(run.code).toBe(2);
  });

  it('of Claude Code are explained, as Claude Code drops them in silence', async () => {
    repository.write({
      '.claude/settings.json': '{ "model": 5 }',
      '.claude/settings.local.json': '{',
    });
    const { stdout } = await verbs(['doctor']);
    expect(stdout).toContain(
      'settings.json:1:12: warning: model: expected a text; Claude Code drops the whole file',
    );
    expect(stdout).toMatch(/! Claude settings: .*settings\.local\.json:1:2: warning: /);
  });
});

describe('settings in a run', () => {
  const plan = (sh: string) =>
    JSON.stringify({ version: 1, name: 'env', tasks: [{ id: 'look', sh, effect: 'diff' }] });

  it('environment.pass and .deny decide what a task sees; a repository adds nothing', async () => {
    user('environment: { pass: [MINE, BOTH], deny: [BOTH] }\n');
    repository.write({
      'orch.settings.yaml': 'environment: { pass: [THEIRS] }\n',
      'orch.yaml': plan('echo "$MINE-$BOTH-$THEIRS" > seen.txt'),
    });
    repository.commit('plan');
    const run = await verbs(['run', 'orch.yaml', '--yes'], { MINE: 'a', BOTH: 'b', THEIRS: 'c' });
    expect(run.code).toBe(0);
    expect(run.stderr + run.stdout).toContain(
      'environment.pass[0] of the project tier does not count',
    );
    const branch = repository.git('for-each-ref', '--format=%(refname)', 'refs/heads/orch').trim();
    expect(repository.git('show', `${branch}:seen.txt`).trim()).toBe('a--');
  });
});
