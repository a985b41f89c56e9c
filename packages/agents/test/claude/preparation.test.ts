import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { turnArguments } from '../../src/claude/arguments.js';
import { prepareConfigDirectory } from '../../src/claude/config-directory.js';
import { secretsOf, turnEnvironment } from '../../src/claude/environment.js';
import { checkRequest, type ClaudeTurnRequest } from '../../src/claude/request.js';
import { readTranscript } from '../../src/claude/transcript.js';
import { AgentsError } from '../../src/index.js';

function temporary(): string {
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'orch-agents-')));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  return root;
}

function requestIn(root: string, more: Partial<ClaudeTurnRequest> = {}): ClaudeTurnRequest {
  return {
    cwd: join(root, 'workspace'),
    env: {},
    prompt: 'Say "hello".',
    configDirectory: join(root, 'claude'),
    ...more,
  };
}

describe('a request', () => {
  it.each([
    ['cwd', { cwd: 'relative' }],
    ['prompt', { prompt: ' ' }],
    ['session', { session: 'mine' }],
    ['continues.session', { continues: { session: '1', original: 'x' } }],
    ['configDirectory', { configDirectory: '/r/workspace/.claude' }],
    ['maxTurns', { maxTurns: 0 }],
    ['maxUsd', { maxUsd: Number.NaN }],
    ['maxRetries', { maxRetries: 1.5 }],
    ['tools', { tools: ['Bash(ls)'] }],
    ['allow and deny', { deny: [''] }],
  ] as const)('is refused when %s is not what it must be', (field, more) => {
    let error: unknown;
    try {
      checkRequest(requestIn('/r', more));
    } catch (caught) {
      error = caught;
    }
    expect(AgentsError.isInstance(error) && error.details['field']).toBe(field);
    expect(() => checkRequest(requestIn('/r'))).not.toThrow();
  });

  it('puts no prompt, system prompt or credential into the arguments', () => {
    const request = requestIn('/r', {
      prompt: 'SECRET-1',
      allow: ['Bash(a, b)'],
      systemPrompt: 'SECRET-3',
      credentials: { ANTHROPIC_API_KEY: 'SECRET-4' },
      outputSchema: { type: 'object' },
    });
    const files = { settings: '/r/claude/s.json', systemPrompt: '/r/claude/p.md' };
    const conversation = { session: '00000000-0000-4000-8000-000000000001', continues: false };
    const given = turnArguments(request, files, conversation);
    expect(given.join(' ')).not.toContain('SECRET');
    expect(given).toContain('--strict-mcp-config');
    const policy = JSON.parse(given[given.indexOf('--managed-settings') + 1] ?? '') as object;
    expect(policy).toMatchObject({
      allowManagedPermissionRulesOnly: true,
      permissions: { allow: ['Bash(a, b)'] },
    });
    expect(given.join(' ')).toContain('--setting-sources user,project --settings /r/claude/s.json');
    expect(turnEnvironment(request)['ANTHROPIC_API_KEY']).toBe('SECRET-4'); // it does go somewhere
  });
});

describe('turnEnvironment()', () => {
  it('takes over nothing of another Claude Code, and no credential that was not handed over', () => {
    const env = {
      ...{ PATH: '/bin', LANG: 'C', CLAUDECODE: '1', CLAUDE_CODE_ENTRYPOINT: 'cli' },
      ...{ CLAUDE_CONFIG_DIR: '/home/user/.claude', ANTHROPIC_API_KEY: 'theirs' },
    };
    const made = turnEnvironment(
      requestIn('/r', { env, credentials: { ANTHROPIC_AUTH_TOKEN: 'ours' } }),
    );
    expect(made).toMatchObject({
      PATH: '/bin',
      LANG: 'C',
      HOME: '/r/claude',
      CLAUDE_CONFIG_DIR: '/r/claude',
    });
    expect(made).not.toHaveProperty('CLAUDECODE');
    expect(made).not.toHaveProperty('CLAUDE_CODE_ENTRYPOINT');
    expect(Object.values(made)).not.toContain('theirs');
    expect(Object.values(made)).toContain('ours');
  });

  it('an address is no secret, what it carries is', () => {
    const token = 'a'.repeat(24);
    const url = `http://user:password@127.0.0.1:4000/attempt/${token}`;
    expect(secretsOf({ ANTHROPIC_API_KEY: 'key:with:colons', ANTHROPIC_BASE_URL: url })).toEqual([
      ...['key:with:colons', 'user', 'password', token],
    ]);
  });
});

describe('prepareConfigDirectory()', () => {
  it('makes files that only their owner reads, in place of whatever was there', async () => {
    const root = temporary();
    const victim = join(root, 'victim');
    fs.writeFileSync(victim, 'untouched');
    fs.mkdirSync(join(root, 'claude'), { mode: 0o755 });
    fs.symlinkSync(victim, join(root, 'claude', 'orch-settings.json'));
    const { settings } = await prepareConfigDirectory(requestIn(root, { allow: ['Edit'] }));
    expect(fs.readFileSync(victim, 'utf8')).toBe('untouched');
    expect(fs.lstatSync(settings).mode & 0o777).toBe(0o600);
    expect(fs.statSync(join(root, 'claude')).mode & 0o777).toBe(0o700);
    expect(JSON.parse(fs.readFileSync(settings, 'utf8'))).toMatchObject({
      disableAllHooks: true,
      permissions: {
        allow: ['Edit(./**)'],
        deny: expect.arrayContaining(['AskUserQuestion']) as [],
      },
    });
  });

  it('refuses visible settings of the repository, unless they are empty, hidden or wanted', async () => {
    const root = temporary();
    const path = join(root, 'workspace', '.claude', 'settings.json');
    fs.mkdirSync(join(path, '..'), { recursive: true });
    fs.writeFileSync(path, '{}');
    const error: unknown = await prepareConfigDirectory(requestIn(root)).catch((e: unknown) => e);
    expect(AgentsError.isInstance(error) && error.code).toBe('ORCH_AGENTS_SETTINGS_VISIBLE');
    expect(AgentsError.isInstance(error) && error.details['path']).toBe(path);
    await prepareConfigDirectory(requestIn(root, { settingsHidden: true }));
    await prepareConfigDirectory(requestIn(root, { project: 'none' }));
    await prepareConfigDirectory(requestIn(root, { project: 'trusted' }));
    fs.writeFileSync(path, ''); // as a mount over it looks
    await prepareConfigDirectory(requestIn(root));
  });

  it('links a login and takes its tokens for secrets', async () => {
    const root = temporary();
    const file = join(root, 'login.json');
    const accessToken = 'sk-ant-oat01-0123456789';
    fs.writeFileSync(file, JSON.stringify({ claudeAiOauth: { accessToken, scopes: ['short'] } }));
    const { secrets } = await prepareConfigDirectory(requestIn(root, { credentialsFile: file }));
    expect(secrets).toEqual([accessToken]);
    expect(fs.readlinkSync(join(root, 'claude', '.credentials.json'))).toBe(file);
  });

  it('says what is wrong when the directory cannot be used', async () => {
    const root = temporary();
    fs.writeFileSync(join(root, 'claude'), 'a file');
    const error: unknown = await prepareConfigDirectory(requestIn(root)).catch((e: unknown) => e);
    expect(AgentsError.isInstance(error) && error.code).toBe('ORCH_AGENTS_CONFIG_DIRECTORY');
    expect(String(error)).toContain(join(root, 'claude'));
  });
});

describe('readTranscript()', () => {
  const session = '00000000-0000-4000-8000-000000000001';

  function writeTranscript(root: string, key: string, line: object): void {
    const directory = join(root, 'claude', 'projects', key);
    fs.mkdirSync(directory, { recursive: true });
    fs.writeFileSync(join(directory, `${session}.jsonl`), `${JSON.stringify(line)}\n`);
  }

  it('wants a transcript of this directory that has a message', async () => {
    const root = temporary();
    const cwd = join(root, 'work space.d');
    fs.mkdirSync(cwd);
    const key = cwd.replace(/[^a-zA-Z0-9]/g, '-');
    const ask = async (): Promise<boolean> =>
      (await readTranscript(join(root, 'claude'), cwd, session)) !== undefined;
    expect(await ask()).toBe(false);
    writeTranscript(root, '-elsewhere', { type: 'user' });
    expect(await ask()).toBe(false);
    writeTranscript(root, key, { type: 'queue-operation' });
    expect(await ask()).toBe(false);
    writeTranscript(root, key, { type: 'user' });
    expect(await ask()).toBe(true);
  });

  it.each([
    ['as text', { type: 'user', message: { content: 'Repair "it".\nSoon.' } }, true],
    ['in parts', { type: 'user', message: { content: [{ text: 'Repair "it".\nSoon.' }] } }, true],
    ['as a part of more', { type: 'user', message: { content: 'x Repair "it".\nSoon.' } }, false],
    ['by the agent', { type: 'assistant', message: { content: 'Repair "it".\nSoon.' } }, false],
  ])('tells whether a message was said: %s', async (_how, line, said) => {
    const root = temporary();
    const cwd = join(root, 'workspace');
    fs.mkdirSync(cwd);
    writeTranscript(root, cwd.replace(/[^a-zA-Z0-9]/g, '-'), line);
    const transcript = await readTranscript(join(root, 'claude'), cwd, session);
    expect(transcript?.heard('Repair "it".\nSoon.\n')).toBe(said);
  });
});
