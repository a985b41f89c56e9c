import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createMemoryService, openMemory } from '../../src/memory/index.js';
import { useBuiltProgram } from '../built-program.js';
import { gatewayScene, rawClient } from '../gateway/scene.js';
import { programs, temporaryDirectory, type Cleanup } from '../scene.js';
import { installed } from '../servers/installed.js';
import { runClaude } from './real-claude.js';

const bridge = useBuiltProgram('src/gateway/main.ts');
const hidden = { tools: { allow: ['files__write_file', 'memory__*'] } };

type Way = 'stdio' | 'http';

/** The real filesystem server, a memory, and a server that writes down what it is sent. */
async function scene(onTestFinished: Cleanup, way: Way, filter: object) {
  const directory = temporaryDirectory(onTestFinished);
  const shared = join(directory, 'shared');
  mkdirSync(shared);
  const sentFile = join(directory, 'hidden.sent');
  const memory = await openMemory(join(directory, 'memory.jsonl'));
  onTestFinished(() => memory.close());
  const node = process.execPath;
  const whole = await gatewayScene(onTestFinished, {
    servers: {
      files: { command: node, args: [installed('filesystem'), shared] },
      one: { command: node, args: [join(programs, 'fault-server.mjs'), 'log', sentFile] },
    },
    services: { memory: createMemoryService(memory) },
  });
  const { grant, token } = await whole.grant({ filter });
  const servers = {
    stdio: { command: node, args: [bridge(), whole.url, grant.tokenFile] },
    http: { type: 'http', url: whole.url, headers: { Authorization: `Bearer ${token}` } },
  };
  const config = join(directory, 'mcp.json');
  writeFileSync(config, JSON.stringify({ mcpServers: { gate: servers[way] } }), { mode: 0o600 });
  return {
    ...whole,
    shared,
    memory,
    agentGrant: grant,
    token,
    run: (turns: readonly unknown[]) => runClaude(onTestFinished, directory, config, turns),
    /** By the server itself. */
    callsOfHidden: (): number =>
      existsSync(sentFile)
        ? readFileSync(sentFile, 'utf8')
            .split('\n')
            .filter((line) => line.includes('tools/call')).length
        : 0,
  };
}

describe.each<Way>(['stdio', 'http'])('Claude Code at the gateway over %s', (way) => {
  test.concurrent(
    'uses what it may, and reaches nothing else by name',
    async ({ onTestFinished }) => {
      const at = await scene(onTestFinished, way, hidden);
      const file = join(at.shared, 'made.txt');
      const run = await at.run([
        { tool: 'mcp__gate__files__write_file', input: { path: file, content: 'by the agent' } },
        { tool: 'mcp__gate__memory__write', input: { key: 'note', value: 'from the agent' } },
        { tool: 'mcp__gate__one__good', input: {} },
        'Done.',
      ]);
      expect(run).toMatchObject({ code: 0, servers: [{ name: 'gate', status: 'connected' }] });
      expect(run.tools).toContain('mcp__gate__files__write_file');
      expect(run.tools.filter((tool) => /__(one|files)__/.test(tool))).toHaveLength(1);
      expect(run.results.map(({ isError }) => isError)).toEqual([false, false, true]);
      expect(readFileSync(file, 'utf8')).toBe('by the agent');
      const witness = { attempt: 'witness', trust: 'untrusted' } as const;
      expect(await at.memory.read(witness, 'note')).toMatchObject({
        value: 'from the agent',
        by: 'attempt-1',
        trust: 'untrusted',
      });

      // Claude Code itself knows no such tool; so the agent speaks for itself, with the token that it has.
      const call = { name: 'one__good', arguments: {} };
      const own = await rawClient(at.url, at.token);
      expect((await own.post('tools/call', call)).message).toHaveProperty('error');
      const other = await at.grant({ filter: { tools: { allow: ['files__*'] } } });
      const another = await rawClient(at.url, other.token);
      expect((await another.post('tools/call', call)).message).toHaveProperty('error');
      await at.agentGrant.revoke();
      expect((await own.post('tools/call', call)).status).toBe(401);
      expect((await own.post('tools/call', { name: 'files__write_file' })).status).toBe(401);

      expect(at.callsOfHidden()).toBe(0);
      expect(at.refusals().map(({ attempt, what, why }) => [attempt, what, why])).toEqual([
        ['attempt-1', 'tool', 'the filter does not allow it'],
        ['attempt-2', 'tool', 'the filter does not allow it'],
        ['attempt-1', 'token', 'it was revoked'],
        ['attempt-1', 'token', 'it was revoked'],
      ]);
    },
  );

  test.concurrent('reaches the same tool when nothing hides it', async ({ onTestFinished }) => {
    const at = await scene(onTestFinished, way, {});
    const run = await at.run([{ tool: 'mcp__gate__one__good', input: { say: 'hi' } }, 'Done.']);
    expect(run.results).toMatchObject([{ isError: false }]);
    expect(run.results[0]?.text).toContain('hi');
    expect(at.callsOfHidden()).toBe(1);
  });
});
