/**
 * Who may import whom: the one table. A package imports only what stands behind it, in its sources
 * and (plus `tests`) in its tests. `check.mjs` fails when the code disagrees.
 */
export const layers = {
  'packages/config': { may: [], tests: ['process'] },
  'packages/jsonl': { may: [] },
  'packages/process': { may: [] },
  'packages/scripted-model': { may: [] },
  'packages/agents': { may: ['process'], tests: ['scripted-model'] },
  'packages/hooks': { may: ['process'], tests: ['scripted-model'] },
  'packages/mcp': { may: ['jsonl', 'process'], tests: ['scripted-model'] },
  'packages/gates': { may: ['process'] },
  'packages/workspace': { may: ['process'] },
  'packages/coordinator': { may: ['jsonl'] },
  'packages/core': {
    may: [
      'config',
      'jsonl',
      'process',
      'scripted-model',
      'agents',
      'hooks',
      'mcp',
      'gates',
      'workspace',
      'coordinator',
    ],
  },
  'apps/cli': { may: ['core'] },
  test: { may: [], tests: ['coordinator', 'mcp', 'scripted-model'] },
};

/** Sources that must run in a browser: nothing of Node, whatever they import. */
export const browserEntries = ['packages/coordinator/src/state/'];
