import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createScriptedModel } from '@orch/scripted-model';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claudeProgram, orch, orchProgram, type Finished } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';

let repository: TestRepository;
beforeEach(() => {
  repository = makeRepository();
});
afterEach(() => repository.remove());

const settings = `hooks:
  PreToolUse:
    - matcher: Bash
      hooks:
        - { type: command, argv: [./guard.sh] }
`;
const guard = '#!/bin/sh\necho "not in this repository" >&2\nexit 2\n';

/** A project whose settings name a guard, which nobody approved. */
function makeGuarded(): void {
  repository.write({ 'orch.settings.yaml': settings, 'guard.sh': guard });
  repository.shell('chmod +x guard.sh');
}

interface Listing {
  readonly hooks: readonly { readonly id: string; readonly argv: readonly string[] }[];
  readonly refused: readonly {
    readonly id: string;
    readonly reason: string;
    readonly source: string;
  }[];
}
const list = async (): Promise<Listing> =>
  JSON.parse((await orch(repository, ['hooks', 'list', '--json'])).stdout) as Listing;

/** `orch hook EVENT` as Claude Code calls it; `env` comes on top of the state directory. */
function hook(
  event: string,
  input: string,
  env: Readonly<Record<string, string>> = {},
  more: readonly string[] = [],
): Promise<Finished> {
  const child = spawn(process.execPath, [orchProgram, 'hook', event, ...more], {
    cwd: repository.root,
    env: {
      PATH: process.env['PATH'],
      HOME: repository.home,
      ORCH_STATE_DIR: repository.state,
      ...env,
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  if (input !== 'never') child.stdin.end(input);
  return new Promise((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
}
const payload = (tool: string): string =>
  JSON.stringify({
    hook_event_name: 'PreToolUse',
    tool_name: tool,
    tool_input: {},
    cwd: repository.root,
  });

async function approveAll(): Promise<void> {
  for (const { id } of (await list()).refused)
    expect((await orch(repository, ['hooks', 'approve', id, '--yes'])).code).toBe(0);
}

describe('orch hooks', () => {
  it('list, approve, test, log, revoke', async () => {
    makeGuarded();
    const text = (await orch(repository, ['hooks', 'list'])).stdout;
    expect(text).toMatch(/nobody approved this one/);
    const [next = ''] = /orch hooks approve \w+/.exec(text) ?? [];
    const test = ['hooks', 'test', 'PreToolUse', '--payload', '{"tool_name":"Bash"}'];
    expect(await orch(repository, test)).toMatchObject({ code: 0 });

    const asked = await orch(repository, next.split(' ').slice(1));
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain('needs a yes');
    const approved = await orch(repository, [...next.split(' ').slice(1), '--yes']);
    expect(approved.stdout).toMatch(/copied +\S+guard.sh +sha256 [0-9a-f]{64}/);
    const blocked = await orch(repository, test);
    expect(blocked.code).toBe(1);
    expect(blocked.stdout).toContain('not in this repository');
    expect((await orch(repository, ['hooks', 'log'])).stdout).toMatch(/PreToolUse +blocked/);

    const [{ id } = { id: '' }] = (await list()).hooks;
    expect((await orch(repository, ['hooks', 'revoke', id])).code).toBe(0);
    expect((await list()).refused).toMatchObject([{ reason: 'not_approved' }]);
    expect(await orch(repository, ['hooks', 'revoke', id])).toMatchObject({ code: 2 });
  });

  it('says where a settings file is wrong, and goes on', async () => {
    repository.write({ 'orch.settings.yaml': 'hooks:\n  PreToolUse: [\n' });
    const listed = await orch(repository, ['hooks', 'list']);
    expect(listed.code).toBe(0);
    expect(listed.stdout).toMatch(/orch.settings.yaml cannot be read: line \d+, column \d+/);
  });

  it('install shows the difference, writes on a yes, leaves the rest alone, and again changes nothing', async () => {
    makeGuarded();
    await approveAll();
    const file = path.join(repository.home, '.claude', 'settings.json');
    repository
      .at(repository.home)
      .write({ '.claude/settings.json': '{\n    "model": "opus"\n}\n' });
    const refused = await orch(repository, ['hooks', 'install']);
    expect(refused.code).toBe(2);
    expect(refused.stdout).toMatch(/^\+ +"hooks": \{/m);
    expect(readFileSync(file, 'utf8')).toBe('{\n    "model": "opus"\n}\n');

    expect((await orch(repository, ['hooks', 'install', '--yes'])).code).toBe(0);
    const written = readFileSync(file, 'utf8');
    expect(JSON.parse(written)).toEqual({
      model: 'opus',
      hooks: {
        PreToolUse: [
          {
            hooks: [
              {
                type: 'command',
                command: process.execPath,
                args: [orchProgram, 'hook', 'PreToolUse'],
                timeout: 60,
              },
            ],
          },
        ],
      },
    });
    expect((await orch(repository, ['hooks', 'install', '--yes'])).stdout).toContain(
      'Nothing to change.',
    );
    expect(readFileSync(file, 'utf8')).toBe(written);
  });
});

describe('orch doctor', () => {
  const doctor = async (): Promise<string> => (await orch(repository, ['doctor'])).stdout;

  it('explains hooks that do not run, and settings that cannot be read', async () => {
    makeGuarded();
    expect(await doctor()).toMatch(
      /hook: does not run: hooks.PreToolUse.*nobody approved[^]*next: orch hooks approve/,
    );
    repository.write({ 'orch.settings.yaml': 'hooks: [\n' });
    expect(await doctor()).toMatch(/orch.settings.yaml cannot be read: line \d+, column \d+/);
  });

  it('says plainly what happens without orch', async () => {
    makeGuarded();
    await approveAll();
    expect(await doctor()).not.toContain('lets the tool run');
    await orch(repository, ['hooks', 'install', '--yes']);
    expect(await doctor()).toContain(
      'when orch is missing or killed, Claude Code lets the tool run',
    );
    const file = path.join(repository.home, '.claude', 'settings.json');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(orchProgram, `${orchProgram}.gone`));
    expect(await doctor()).toContain('which is not there');
  });
});

describe('orch hook', () => {
  it('blocks what an approved hook blocks, and lets the rest pass', async () => {
    makeGuarded();
    await approveAll();
    expect(await hook('PreToolUse', payload('Bash'))).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'not in this repository\n',
    });
    for (const [event, tool] of [
      ['PreToolUse', 'Read'],
      ['PostToolUse', 'Bash'],
    ] as const)
      expect(await hook(event, payload(tool).replace('PreToolUse', event))).toMatchObject({
        code: 0,
        stdout: '',
        stderr: '',
      });
  });

  it.each([
    ['no event', '', '{}', []],
    ['an unknown event', 'BeforeToolUse', '{}', []],
    ['a payload that is no JSON', 'PreToolUse', '{', []],
    ['a payload that is no object', 'PreToolUse', '[]', []],
    ['a payload of another event', 'PreToolUse', '{"hook_event_name":"Stop"}', []],
    ['a payload that never ends', 'PreToolUse', 'never', ['--deadline-ms', '500']],
    ['an argument that it does not know', 'PreToolUse', '{}', ['--verbose']],
  ])('%s blocks', async (_what, event, input, more) => {
    makeGuarded();
    await approveAll();
    const { code, stderr } = await hook(event, input, {}, more);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^orch hook/);
  });

  it.each([
    ['a file', 'exec "$@" < payload.json'],
    ['a pipe', 'cat payload.json | "$@"'],
    [
      'a pipe that is filled in pieces',
      '{ head -c 70000 payload.json; sleep 0.3; tail -c +70001 payload.json; } | "$@"',
    ],
    [
      'a pipe on which nobody may wait',
      `{ sleep 0.5; cat payload.json; } | perl -MFcntl -e 'fcntl STDIN, F_SETFL, O_NONBLOCK or die; exec @ARGV' -- "$@"`,
    ],
  ])('reads its payload from %s', async (_what, script) => {
    makeGuarded();
    await approveAll();
    const seen = async (tool: string): Promise<number | null> => {
      const text = JSON.stringify({
        ...JSON.parse(payload(tool)),
        tool_input: { text: 'x'.repeat(200_000) },
      });
      writeFileSync(path.join(repository.root, 'payload.json'), text);
      const argv = ['-c', script, 'sh', process.execPath, orchProgram, 'hook', 'PreToolUse'];
      const env = {
        PATH: process.env['PATH'],
        HOME: repository.home,
        ORCH_STATE_DIR: repository.state,
      };
      const child = spawn('sh', argv, { cwd: repository.root, stdio: 'ignore', env });
      return new Promise((resolve) => child.once('close', resolve));
    };
    expect(await seen('Bash')).toBe(2);
    expect(await seen('Read')).toBe(0);
  });

  it('a table that cannot be read blocks; none at all means no hooks', async () => {
    expect(await hook('PreToolUse', payload('Bash'))).toMatchObject({ code: 0 });
    makeGuarded();
    await approveAll();
    const table = path.join(repository.state, 'hooks', 'table.json');
    writeFileSync(table, readFileSync(table, 'utf8').slice(0, -5));
    expect(await hook('PreToolUse', payload('Bash'))).toMatchObject({ code: 2 });
    rmSync(table);
    expect(await hook('PreToolUse', payload('Bash'))).toMatchObject({ code: 0 });
  });

  it('does nothing in what an orch run started', async () => {
    makeGuarded();
    await approveAll();
    expect(await hook('PreToolUse', 'never', { ORCH_PROCESS_OWNER: 'run-1' })).toMatchObject({
      code: 0,
    });
  });

  it('reads no settings: a change in the repository changes nothing before it is approved', async () => {
    makeGuarded();
    await approveAll();
    repository.write({ 'orch.settings.yaml': 'hooks: {}\n', 'guard.sh': '#!/bin/sh\nexit 0\n' });
    expect(await hook('PreToolUse', payload('Bash'))).toMatchObject({ code: 2 });
  });

  it('holds back a tool of the real Claude Code, and a missing orch does not', async () => {
    makeGuarded();
    await approveAll();
    expect((await orch(repository, ['hooks', 'install', '--yes'])).code).toBe(0);
    const file = path.join(repository.home, '.claude', 'settings.json');
    const model = createScriptedModel();
    const { url } = await model.listen();
    const touch = async (name: string): Promise<boolean> => {
      const script = JSON.stringify([{ tool: 'Bash', input: { command: `touch ${name}` } }, 'end']);
      const argv = [
        '-p',
        `Do it. <<<SCRIPT ${script} SCRIPT>>>`,
        '--allowedTools',
        'Bash',
        '--setting-sources',
        'user',
      ];
      const child = spawn(claudeProgram, argv, {
        cwd: repository.root,
        stdio: ['ignore', 'ignore', 'ignore'],
        env: {
          PATH: process.env['PATH'],
          HOME: repository.home,
          ORCH_STATE_DIR: repository.state,
          ANTHROPIC_BASE_URL: url,
          ANTHROPIC_API_KEY: 'not-a-real-key',
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          DISABLE_AUTOUPDATER: '1',
        },
      });
      await new Promise((resolve) => child.once('close', resolve));
      return existsSync(path.join(repository.root, name));
    };
    expect(await touch('guarded')).toBe(false);
    // What `hooks install` says plainly: Claude Code lets the tool run when orch is gone.
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(orchProgram, `${orchProgram}.gone`));
    expect(await touch('unguarded')).toBe(true);
    await model.close();
  });
});
