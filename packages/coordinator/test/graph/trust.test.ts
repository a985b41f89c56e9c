import { describe, expect, it } from 'vitest';
import { graphOf } from './graph-from-text.js';

async function untrusted(text: string): Promise<string[]> {
  const { nodes } = await graphOf(text);
  return nodes.flatMap((node) =>
    node.kind === 'task' && node.trust === 'untrusted' ? [node.id] : [],
  );
}

const SOURCE = `
  - id: source
    run: [fetch]
    trust: untrusted
    output: { json: stdout, schema: { n: integer, level: [low, high], text: string, list: [{ id: integer, body: string }] } }`;

describe('untrustedTasks()', () => {
  it.each([
    ['a text of an untrusted output', 'needs: [source], prompt: "${{ source.text }}"', true],
    ['all of it', 'needs: [source], prompt: "${{ source.output }}"', true],
    [
      'a text among its inputs',
      'needs: [source], run: [make], inputs: { t: "${{ source.text }}" }',
      true,
    ],
    ['a text as its scope', 'needs: [source], prompt: x, writes: ["${{ source.text }}"]', true],
    ['items with texts', 'foreach: "${{ source.list }}", max: 3, prompt: "${{ item.id }}"', true],
    ['a number', 'needs: [source], prompt: "${{ source.n }}"', false],
    ['a listed value', 'needs: [source], prompt: "${{ source.level }}"', false],
    ['a condition on a number', 'needs: [source], prompt: x, if: source.n > 2', false],
    ['nothing but the edge', 'needs: [source], prompt: x', false],
  ])('a task that takes in %s', async (_, keys, expected) => {
    const text = `tasks:${SOURCE}\n  - { id: a, ${keys} }`;
    expect(await untrusted(text)).toEqual(expected ? ['source', 'a'] : ['source']);
    // The control: from a trusted source nothing is untrusted.
    expect(await untrusted(text.replace('trust: untrusted', 'trust: trusted'))).toEqual([]);
  });

  it('a task that is handed MCP servers, unless it says that it is trusted', async () => {
    const text = `tasks:
  - { id: asks, prompt: x, mcp: [github], output: { text: string, n: integer } }
  - { id: takes, needs: [asks], prompt: "\${{ asks.text }}" }
  - { id: counts, needs: [asks], prompt: "\${{ asks.n }}" }
`;
    expect(await untrusted(text)).toEqual(['asks', 'takes']);
    expect(await untrusted(text.replace('[github]', '[github], trust: trusted'))).toEqual([]);
    expect(await untrusted(text.replace('[github]', '[]'))).toEqual([]);
  });

  it('travels on through outputs, items and conversations, and stops at strict values', async () => {
    const text = `tasks:${SOURCE}
  - id: triage
    foreach: "\${{ source.list }}"
    max: 9
    key: "\${{ item.id }}"
    prompt: "\${{ item.body }}"
    output: { severe: boolean, plan: string }
  - { id: plan, each: triage, prompt: "\${{ triage.plan }}" }
  - { id: body, each: triage, prompt: "\${{ item.body }}" }
  - { id: talk, each: triage, prompt: Go on, session: continue }
  - { id: count, each: triage, prompt: "\${{ triage.severe }}" }
  - { id: number, each: triage, prompt: "\${{ item.id }}" }
  - { id: sum, needs: [triage], prompt: "\${{ triage.all }}" }
`;
    expect(await untrusted(text)).toEqual(['source', 'triage', 'plan', 'body', 'talk', 'sum']);
  });

  it('does not depend on the order in the plan', async () => {
    const text = `tasks:
  - { id: later, each: triage, prompt: "\${{ item.body }}" }
  - { id: triage, foreach: "\${{ source.list }}", max: 9, prompt: x, output: { n: integer } }${SOURCE}
`;
    expect((await untrusted(text)).sort()).toEqual(['later', 'source', 'triage']);
  });
});
