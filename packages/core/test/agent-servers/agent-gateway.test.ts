import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AgentDenial, AgentRequest, ServerUse } from '@orch/coordinator';
import { connect, McpError, type McpServer, type StdioServerSpec } from '@orch/mcp';
import { createProcessOwner, type ProcessOwner } from '@orch/process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createAgentGateway,
  type Admission,
  type AgentGateway,
} from '../../src/agent-servers/agent-gateway.js';

const program = path.resolve(import.meta.dirname, '../../../mcp/test/programs/fault-server.mjs');
const environment = { PATH: process.env['PATH'] };

let directory: string;
let owner: ProcessOwner;
let gateway: AgentGateway;
let agents: McpServer[];
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'orch-gateway-'));
  owner = createProcessOwner({ marker: `gateway-test-${path.basename(directory)}` });
  agents = [];
  const root = at('repository');
  mkdirSync(root);
  const place = { root, directory: root, state: at('state'), environment };
  const logging = (name: string) => ({
    command: process.execPath,
    args: [program, 'log', at(`${name}.sent`)],
  });
  const servers = {
    one: logging('one'),
    two: logging('two'),
    dead: { command: process.execPath, args: [program, 'dies-at-start'] },
  };
  gateway = createAgentGateway({ servers, hasMemory: true, place, owner, runDirectory: directory });
});
afterEach(async () => {
  for (const agent of agents) await agent.close();
  await gateway.close();
  await owner.close();
  rmSync(directory, { recursive: true, force: true });
});

const at = (...parts: string[]): string => path.join(directory, ...parts);
const wasStarted = (name: string): boolean => existsSync(at(`${name}.sent`));

const request = (task: string, mcp: readonly ServerUse[]): AgentRequest => ({
  run: 'run',
  task,
  label: task,
  attempt: 1,
  place: task,
  agent: { driver: 'claude', project: 'memory', mcp },
  argv: undefined,
  prompt: 'Do it.',
  original: 'Do it.',
  workspace: at('workspace'),
  session: { id: '00000000-0000-4000-8000-000000000001', mode: 'new' },
  inputs: {},
  env: {},
  output: undefined,
  writes: undefined,
  timeoutMs: 60_000,
  idleMs: 60_000,
});

async function admit(
  task: string,
  mcp: readonly ServerUse[],
  denials: AgentDenial[] = [],
): Promise<Admission> {
  return gateway.admit(request(task, mcp), {
    home: at('homes', task),
    signal: new AbortController().signal,
    refused: (denial) => denials.push(denial),
  });
}

/** An agent that is configured with the file, as any would be. */
async function agentOf({ configFile }: Admission): Promise<McpServer> {
  const { mcpServers } = JSON.parse(readFileSync(configFile, 'utf8')) as {
    mcpServers: { orch: StdioServerSpec };
  };
  const agent = await connect(mcpServers.orch, { environment });
  agents.push(agent);
  return agent;
}

describe('an attempt that is let in', () => {
  it('starts its own servers and no others, also when it asks what there is', async () => {
    expect(readdirSync(directory)).toEqual(['repository']);
    const agent = await agentOf(await admit('a', [{ server: 'one' }, { server: 'memory' }]));
    const names = (await agent.tools()).map(({ name }) => name);
    expect(new Set(names.map((name) => name.split('__')[0]))).toEqual(new Set(['one', 'memory']));
    expect([wasStarted('one'), wasStarted('two')]).toEqual([true, false]);
    expect(await owner.left()).not.toEqual([]);
    // The control: another attempt starts the other.
    await admit('b', [{ server: 'two' }]);
    expect(wasStarted('two')).toBe(true);
  });

  it.each<[string, ServerUse, readonly string[]]>([
    [
      'everything',
      { server: 'memory' },
      [...'write read list search checkpoint restore'.split(' ')],
    ],
    ['what allow names', { server: 'memory', allow: ['re*', 'list'] }, ['read', 'list', 'restore']],
    [
      'all but what deny names',
      { server: 'memory', deny: ['*e'] },
      ['read', 'list', 'search', 'checkpoint'],
    ],
    ['less, when both name it', { server: 'memory', allow: ['read'], deny: ['read'] }, []],
    ['nothing, for an empty list', { server: 'memory', allow: [] }, []],
  ])('sees %s', async (_, use, expected) => {
    const agent = await agentOf(await admit('a', [use]));
    const names = (await agent.tools()).map(({ name }) => name.replace('memory__', ''));
    expect(names.sort()).toEqual([...expected].sort());
  });

  it('hears of every kind of refused call once, with what the plan says of it', async () => {
    const denials: AgentDenial[] = [];
    const agent = await agentOf(await admit('a', [{ server: 'memory', allow: ['read'] }], denials));
    for (const tool of ['memory__write', 'one__good', 'memory__write'])
      await expect(agent.call(tool)).rejects.toThrow('is not allowed here');
    expect(denials).toEqual([
      {
        tool: 'mcp__orch__memory__write',
        input: '',
        reason: 'not passed on: the filter does not allow it; look at mcp: of the task',
      },
      {
        tool: 'mcp__orch__one__good',
        input: '',
        reason: 'not passed on: mcp: of the task does not name one',
      },
    ]);
    expect(wasStarted('one')).toBe(false);
    expect((await agent.call('memory__read', { key: 'none' })).isError).toBe(false);
    expect(denials).toHaveLength(2);
  });

  it('has a token that is in one file, and void when it has ended', async () => {
    const admission = await admit('a', [{ server: 'memory' }]);
    const files = readdirSync(path.dirname(admission.configFile));
    expect(files.sort()).toEqual(['servers.json', 'token']);
    for (const file of files)
      expect(statSync(at('homes', 'a', 'mcp.a.1', file)).mode & 0o777).toBe(0o600);
    const config = readFileSync(admission.configFile, 'utf8');
    expect(config).not.toContain(admission.token);
    const agent = await agentOf(admission);
    const write = () => agent.call('memory__write', { key: 'note', value: 1 });
    expect((await write()).isError).toBe(false);
    await admission.end();
    expect(readdirSync(at('homes', 'a'))).toEqual([]);
    await expect(write()).rejects.toThrow(McpError);
    const url = /http:[^"]*/.exec(config)?.[0] ?? '';
    const headers = { authorization: `Bearer ${admission.token}` };
    expect((await fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(401);
    await gateway.close();
    const log = readFileSync(at('gateway.jsonl'), 'utf8');
    expect(log).toContain('it was revoked');
    expect(log).not.toContain(admission.token);
  });

  it('is let in again after a leader that died in it', async () => {
    await admit('a', [{ server: 'memory' }]);
    await expect(admit('a', [{ server: 'memory' }])).resolves.toBeDefined();
  });
});

describe('the servers of a run', () => {
  it('that do not start are an error of the attempts that name them, and of no others', async () => {
    await expect(admit('a', [{ server: 'dead' }])).rejects.toMatchObject({
      code: 'ORCH_MCP_START',
      message: expect.stringContaining('API_KEY is missing') as string,
    });
    expect(existsSync(at('homes', 'a'))).toBe(false);
    await expect(admit('b', [{ server: 'one' }])).resolves.toBeDefined();
  });

  it('are the run’s processes, and end with it, however often it is ended', async () => {
    await admit('a', [{ server: 'one' }]);
    expect((await owner.left()).length).toBeGreaterThan(0);
    await Promise.all([gateway.close(), gateway.close()]);
    expect(await owner.left()).toEqual([]);
  });
});
