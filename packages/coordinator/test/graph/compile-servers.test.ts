import { describe, expect, it } from 'vitest';
import { explainGraph, showTask } from '../../src/plan/index.js';
import { workKey } from '../../src/run/work-key.js';
import { graphOf, taskOf } from './graph-from-text.js';

const serversOf = async (text: string, task: string) => taskOf(await graphOf(text), task).agent.mcp;

describe('mcp:', () => {
  it('counts where it is nearest: task, then agent, then defaults; a narrower list is not added to', async () => {
    const text = `
defaults: { mcp: [github, memory] }
agents:
  scribe: { use: claude, mcp: { memory: { allow: [write, list] } } }
tasks:
  - { id: plain, prompt: x }
  - { id: agent, agent: scribe, prompt: x }
  - { id: own, agent: scribe, prompt: x, mcp: { issues: { allow: [get_*], deny: [get_secret] }, memory: } }
  - { id: none, prompt: x, mcp: [] }
`;
    expect(await serversOf(text, 'plain')).toEqual([{ server: 'github' }, { server: 'memory' }]);
    expect(await serversOf(text, 'agent')).toEqual([
      { server: 'memory', allow: ['write', 'list'] },
    ]);
    expect(await serversOf(text, 'own')).toEqual([
      { server: 'issues', allow: ['get_*'], deny: ['get_secret'] },
      { server: 'memory' },
    ]);
    expect(await serversOf(text, 'none')).toBeUndefined();
  });

  it('is for agents that are commands too, and for commands only where they ask for it themselves', async () => {
    const text = `
defaults: { mcp: [github] }
agents:
  other: { use: command, run: [other-agent] }
tasks:
  - { id: agent, agent: other, prompt: x }
  - { id: quiet, run: [make] }
  - { id: asking, sh: tool --mcp-config "$ORCH_MCP_CONFIG", mcp: [memory] }
`;
    expect(await serversOf(text, 'agent')).toEqual([{ server: 'github' }]);
    expect(await serversOf(text, 'quiet')).toBeUndefined();
    expect(await serversOf(text, 'asking')).toEqual([{ server: 'memory' }]);
  });

  it('is part of the work key, whatever its order', async () => {
    const agentField = async (mcp: string): Promise<string | undefined> => {
      const node = taskOf(await graphOf(`tasks: [{ id: a, prompt: x, mcp: ${mcp} }]`), 'a');
      const rest = { prompt: 'x', inputs: {}, argv: undefined, writes: undefined };
      return workKey({ node, ...rest, setup: undefined, baseTree: 'tree' }).fields['agent'];
    };
    const both = await agentField('[github, memory]');
    expect(await agentField('[memory, github, memory]')).toBe(both);
    expect(await agentField('{ memory: {}, github: }')).toBe(both);
    const others = ['[github]', '[]', '{ github: { deny: [x] }, memory: {} }'];
    expect(new Set([both, ...(await Promise.all(others.map(agentField)))]).size).toBe(4);
  });

  it('is told by plan explain and plan show', async () => {
    const graph = await graphOf(
      'tasks: [{ id: a, prompt: x, mcp: { github: { allow: [get_*] } } }, { id: b, prompt: x }]',
    );
    const told = explainGraph(graph).map(({ id, servers }) => [id, servers]);
    expect(told.slice(0, 2)).toEqual([
      ['a', ['github']],
      ['b', []],
    ]);
    expect(showTask(graph, 'a')?.agent.mcp).toEqual([{ server: 'github', allow: ['get_*'] }]);
  });
});
