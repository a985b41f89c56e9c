import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { here, scripted } from '../harness/model.js';
import { orch, runDirectory, type Finished } from '../harness/orch.js';
import { rawMcp } from '../harness/raw-mcp.js';
import { listFiles } from '../harness/repository.js';
import { run, wait, waiting, write, useServersScene } from '../harness/servers-scene.js';
import { processesWith, until } from '../harness/witness.js';

const {
  now,
  inHome,
  startRun,
  plan,
  configure,
  filesServer,
  callsOf,
  session,
  answersIn,
  refusals,
  admission,
} = useServersScene();

const succeeded = ({ code, stdout, stderr }: Finished): void =>
  expect(code, stdout + stderr).toBe(0);

describe('a task that names MCP servers', () => {
  it('uses what it may, reaches nothing else by name, and is locked out when its attempt has ended', async () => {
    const { repository } = now();
    configure({ files: filesServer() });
    repository.write(wait);
    const hidden = inHome('shared', 'hidden');
    plan([
      {
        id: 'notes',
        mcp: ['memory'],
        prompt: scripted([
          { tool: 'mcp__orch__memory__write', input: { key: 'note', value: 'from the agent' } },
          { tool: 'Write', input: { file_path: `${here}/notes.txt`, content: 'noted\n' } },
          'Done.',
        ]),
      },
      {
        id: 'files',
        mcp: { files: { allow: ['write_file', 'edit_file', 'create_*'], deny: ['create_*'] } },
        allow: ['Write', 'Bash(sh wait.sh *)'],
        deny: ['mcp__orch__files__edit_file'],
        prompt: scripted([
          {
            tool: 'mcp__orch__files__write_file',
            input: { path: inHome('shared', 'made.txt'), content: 'by the agent' },
          },
          { tool: 'mcp__orch__files__create_directory', input: { path: hidden } },
          { tool: 'mcp__orch__memory__write', input: { key: 'note', value: 'not mine' } },
          { tool: 'mcp__orch__files__edit_file', input: { path: inHome('x'), edits: [] } },
          waiting(inHome('go')),
          write,
          'Done.',
        ]),
      },
      { id: 'hold', sh: `sh wait.sh ${inHome('end')}` },
    ]);
    const running = startRun();
    await until('the agent has used its tools', () => answersIn('files').length === 4);

    expect(readFileSync(inHome('shared', 'made.txt'), 'utf8')).toBe('by the agent');
    expect(answersIn('files')[1]).toMatch(/No such tool[^"]*mcp__orch__files__create_directory/);
    expect(answersIn('files')[2]).toMatch(/No such tool[^"]*mcp__orch__memory__write/);

    // Its token is in one file that is its user's alone, outside of the workspace, and in nobody's arguments.
    const { directory, token } = admission('files') ?? { directory: '', token: '' };
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const file of ['token', 'servers.json'])
      expect(statSync(path.join(directory, file)).mode & 0o777).toBe(0o600);
    const config = readFileSync(path.join(directory, 'servers.json'), 'utf8');
    expect(config).not.toContain(token);
    const agents = processesWith('ORCH_TASK', 'files').map(({ command }) => command);
    expect(agents.some((command) => command.includes(directory))).toBe(true);
    expect(agents.join()).not.toContain(token);

    // Whoever speaks for himself with the token of the attempt gets no further than it.
    const url = /http:[^"]*/.exec(config)?.[0] ?? '';
    const raw = await rawMcp(url, token);
    const own = { path: inHome('shared', 'raw.txt'), content: 'by hand' };
    for (const [tool, args] of [
      ['files__create_directory', { path: hidden }],
      ['memory__write', { key: 'note', value: 'not mine' }],
      ['files__read_text_file', { path: own.path }],
    ] as const)
      expect((await raw.call(tool, args)).message.error?.message).toContain('is not allowed here');
    // The control: the same client gets through with what the task may use.
    expect((await raw.call('files__write_file', own)).message).toHaveProperty('result');
    expect(readFileSync(own.path, 'utf8')).toBe('by hand');

    writeFileSync(inHome('go'), '');
    await until('the attempt has ended', () => session('files').some(({ kind }) => kind === 'end'));
    await until('it is locked out', () => admission('files') === undefined);
    expect((await raw.call('files__write_file', own)).status).toBe(401);
    expect((await (await rawMcp(url, token)).call('files__write_file', own)).status).toBe(401);
    writeFileSync(inHome('end'), '');
    succeeded(await running.finished);

    expect(callsOf('write_file')).toBe(2);
    for (const tool of ['create_directory', 'read_text_file', 'edit_file'])
      expect(callsOf(tool), tool).toBe(0);
    expect(existsSync(hidden)).toBe(false);
    const filtered = 'the filter does not allow it';
    expect(refusals().slice(0, 4)).toEqual([
      ['files.1', 'tool', 'files__create_directory', filtered],
      ['files.1', 'tool', 'memory__write', filtered],
      ['files.1', 'tool', 'files__read_text_file', filtered],
      ['files.1', 'token', '', 'it was revoked'],
    ]);
    // The memory is the run's, and says whom not to believe.
    const memory = readFileSync(path.join(runDirectory(repository) ?? '', 'memory.jsonl'), 'utf8');
    expect(memory).toMatch(/from the agent/);
    expect(memory).toMatch(/"untrusted"/);
    expect(memory).not.toMatch(/not mine|"trusted"/);

    // What was refused is told where refusals are.
    const { stdout } = await orch(repository, ['why', 'files']);
    expect(stdout).toContain('refused call: mcp__orch__files__create_directory');
    expect(stdout).toContain('mcp: of the task does not name memory');
    const logs = await orch(repository, ['logs', 'files']);
    expect(logs.stdout).toMatch(/refused.*mcp__orch__files__create_directory/);

    // Nothing is left: no process, and the token in no file.
    expect(processesWith('WITNESS', repository.home)).toEqual([]);
    const kept = Object.keys(listFiles(repository.home)).map((name) => inHome(name));
    expect(
      kept.filter((file) => lstatSync(file).isFile() && readFileSync(file).includes(token)),
    ).toEqual([]);
  });

  it('is locked out however its attempt ends', async () => {
    const { repository } = now();
    mkdirSync(inHome('kept'));
    const keep = `cp "$(dirname "$ORCH_MCP_CONFIG")/token" "$KEPT/$ORCH_TASK" && cp "$ORCH_MCP_CONFIG" "$KEPT/servers.json"`;
    const common = { mcp: ['memory'], env: { KEPT: inHome('kept') }, on_failure: 'continue' };
    repository.write(wait);
    plan([
      { id: 'fails', ...common, sh: `${keep} && cat "$KEPT/fails" && exit 3` },
      { id: 'late', ...common, sh: `${keep} && sleep 100`, timeout: '2s' },
      { id: 'dies', ...common, sh: `${keep} && kill -9 $$` },
      { id: 'lives', ...common, sh: `${keep} && sh wait.sh ${inHome('end')}` },
    ]);
    const running = startRun();
    const ended = (task: string): boolean => session(task).some(({ kind }) => kind === 'end');
    await until('three have ended', () => ['fails', 'late', 'dies'].every(ended));
    await until('the last one runs', () => existsSync(inHome('kept', 'lives')));
    const [url = ''] =
      /http:[^"]*/.exec(readFileSync(inHome('kept', 'servers.json'), 'utf8')) ?? [];
    const call = async (task: string): Promise<number> => {
      const raw = await rawMcp(url, readFileSync(inHome('kept', task), 'utf8'));
      return (await raw.call('memory__list', {})).status;
    };
    await until('the last of them is locked out', () => admission('late') === undefined);
    expect([await call('fails'), await call('late'), await call('dies')]).toEqual([401, 401, 401]);
    // Said aloud, a token is in no record all the same.
    expect(JSON.stringify(session('fails'))).toContain('[redacted]');
    expect(JSON.stringify(session('fails'))).not.toContain(
      readFileSync(inHome('kept', 'fails'), 'utf8'),
    );
    // The control: one that has not ended gets in; until the run is stopped, and nobody answers any more.
    expect(await call('lives')).toBe(200);
    running.child.kill('SIGINT');
    expect((await running.finished).code).toBe(130);
    await expect(call('lives')).rejects.toThrow();
    expect(admission('lives')).toBeUndefined();
  });

  it('a run whose tasks name none gives agents none, and loads nothing of MCP', async () => {
    const { repository, model } = now();
    configure({ files: filesServer() });
    const loaded = async (): Promise<boolean> => {
      const coverage = inHome(`coverage-${String(Date.now())}`);
      succeeded(await orch(repository, run, { env: { ...model.env, NODE_V8_COVERAGE: coverage } }));
      return readdirSync(coverage).some((name) =>
        /"url":"[^"]*\/mcp\/dist\/(?!bridge)/.test(readFileSync(path.join(coverage, name), 'utf8')),
      );
    };
    const servers = (): readonly unknown[] =>
      session('work').flatMap(({ kind, data }) => (kind === 'session.started' ? [data] : []));
    const task = { id: 'work', prompt: scripted([write, 'Done.']) };
    plan([task]);
    expect(await loaded()).toBe(false);
    expect(JSON.stringify(servers())).not.toContain('"orch"');
    expect(JSON.stringify(model.requests.map(({ body }) => body))).not.toContain('mcp__');
    expect(existsSync(inHome('sent'))).toBe(false);
    expect(existsSync(path.join(runDirectory(repository) ?? '', 'gateway.jsonl'))).toBe(false);
    // The control: with one, all of that is otherwise.
    plan([{ ...task, mcp: ['files'] }]);
    expect(await loaded()).toBe(true);
    expect(JSON.stringify(model.requests.map(({ body }) => body))).toContain('mcp__orch__files__');
    expect(existsSync(inHome('sent'))).toBe(true);
  });

  it('is handed them in a rehearsal too', async () => {
    const { repository } = now();
    const note = { key: 'note', value: 'rehearsed' };
    const turns = [{ tool: 'mcp__orch__memory__write', input: note }, 'Done.'];
    const script = { version: 1, tasks: { work: turns } };
    repository.write({ 'rehearsal.yaml': JSON.stringify(script) });
    plan([{ id: 'work', prompt: 'Note it.', effect: 'none', gates: ['yes'], mcp: ['memory'] }], {
      gates: { yes: { run: ['true'] } },
    });
    succeeded(await orch(repository, ['rehearse', 'orch.yaml']));
    const memory = readFileSync(path.join(runDirectory(repository) ?? '', 'memory.jsonl'), 'utf8');
    expect(memory).toContain('rehearsed');
  });

  it('that is a command finds the same in ORCH_MCP_CONFIG', async () => {
    const { repository } = now();
    repository.write({
      'agent.mjs': `
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const { mcpServers } = JSON.parse(readFileSync(process.env.ORCH_MCP_CONFIG, 'utf8'));
const { command, args } = mcpServers.orch;
const bridge = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
const send = (message) => bridge.stdin.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const clientInfo = { name: 'another', version: '1' };
const note = { key: 'note', value: 'from another' };
createInterface({ input: bridge.stdout }).on('line', (line) => {
  const { id } = JSON.parse(line);
  if (id === 2) bridge.stdin.end();
  if (id !== 1) return;
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/call', params: { name: 'memory__write', arguments: note } });
});
send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } });
`,
    });
    plan(
      [
        { id: 'command', run: [process.execPath, 'agent.mjs'], mcp: ['memory'] },
        {
          id: 'agent',
          agent: 'another',
          prompt: 'Do it.',
          effect: 'none',
          gates: ['yes'],
          mcp: ['memory'],
        },
        { id: 'without', sh: 'test -z "$ORCH_MCP_CONFIG"' },
      ],
      {
        gates: { yes: { run: ['true'] } },
        agents: { another: { use: 'command', run: [process.execPath, 'agent.mjs'] } },
      },
    );
    succeeded(await orch(repository, run));
    const memory = readFileSync(path.join(runDirectory(repository) ?? '', 'memory.jsonl'), 'utf8');
    expect(memory).toMatch(/"command\.1"/);
    expect(memory).toMatch(/"agent\.1"/);
  });
});
