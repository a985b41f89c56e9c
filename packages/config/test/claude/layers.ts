import type { JsonObject } from '../../src/index.js';
import type { Layers } from './real-claude.js';

/** Pieces of settings; which go together is drawn. */
const pieces: readonly JsonObject[] = [
  { model: 'model-a' },
  { model: 'model-b' },
  { model: '' },
  { env: { A: '1', B: 'two' } },
  { env: { B: 'other', C: '${HOME}' } },
  { env: { A: 5, D: true } },
  { permissions: { allow: ['Read', 'Bash(ls)', 'Read'] } },
  { permissions: { allow: ['Bash(ls)', 'Edit'], deny: ['WebFetch'], ask: ['Bash(rm:*)'] } },
  {
    permissions: { deny: ['Read(./.env)', 'WebFetch'], additionalDirectories: ['/a', '/b', '/a'] },
  },
  { permissions: { additionalDirectories: ['/b', '/c'], defaultMode: 'plan' } },
  {
    permissions: {
      allow: ['nonsense', 'Bash(', 'Read()', 'mcp__s__t'],
      defaultMode: 'acceptEdits',
    },
  },
  { hooks: { Stop: [{ hooks: [{ type: 'command', command: 'x' }] }] } },
  {
    hooks: {
      Stop: [{ hooks: [{ type: 'command', command: 'x' }] }],
      PreToolUse: [{ matcher: 'Bash', hooks: [] }],
    },
  },
  { hooks: { Nonsense: [{ hooks: [] }], Stop: [{ matcher: 'Edit', hooks: [{ type: 'bogus' }] }] } },
  { fallbackModel: ['a'] },
  { fallbackModel: ['b', 'a'] },
  { statusLine: { type: 'command', command: 'one', padding: 2 } },
  { statusLine: { type: 'command', command: 'two' } },
  { cleanupPeriodDays: 7 },
  { cleanupPeriodDays: 30, includeCoAuthoredBy: false },
  { includeCoAuthoredBy: true, language: 'x', outputStyle: 'y' },
  { sandbox: { enabled: true, network: { allowedDomains: ['a', 'b'] } } },
  { sandbox: { enabled: false, network: { allowedDomains: ['b', 'c'], allowLocalBinding: true } } },
  { enabledPlugins: { 'a@b': true, 'c@d': ['1.0'] } },
  { enabledPlugins: { 'a@b': false } },
  { enabledMcpjsonServers: ['one', 'two'] },
  { enabledMcpjsonServers: ['two', 'three'], disabledMcpjsonServers: ['four'] },
  { attribution: { commit: 'c' } },
  { attribution: { pr: 'p', more: 1 } },
  { worktree: { symlinkDirectories: ['a'] } },
  { worktree: { symlinkDirectories: ['b', 'a'], unknown: 1 } },
  { unknownKey: { deep: [1, 2], other: 'x' } },
  { unknownKey: { deep: [2, 3] } },
  { companyAnnouncements: ['hello', 'hello'] },
  { companyAnnouncements: ['bye'] },
  { modelOverrides: { a: 'b' }, availableModels: ['a', 'b'] },
  { availableModels: ['b', 'c'], alwaysThinkingEnabled: true },
  { editorMode: 'bogus', verbose: true },
  { enableAllProjectMcpServers: null, tui: 'default' },
];

/** Files that Claude Code does not take, or not whole. */
const badFiles: readonly (JsonObject | string)[] = [
  '{ "model": "cut',
  '',
  '[1, 2]',
  '"text"',
  '{ "model": "x", }',
  '{ // why\n "model": "x" }',
  '\uFEFF{ "model": "with a mark" }',
  '{ "model": "first", "model": "last" }',
  { model: 5, env: { A: 'dropped with it' } },
  { model: null },
  { env: null, language: 'dropped with it' },
  { permissions: { allow: 'Read' }, language: 'dropped with it' },
  { permissions: { allow: null } },
  { permissions: { defaultMode: 'bogus', allow: ['Read'] } },
  { permissions: { additionalDirectories: ['/a', 5] } },
  { cleanupPeriodDays: 0, language: 'dropped with it' },
  { statusLine: { type: 'bogus', command: 'x' }, language: 'dropped with it' },
  { includeCoAuthoredBy: 'yes', language: 'dropped with it' },
  { sandbox: { enabled: 'yes' }, language: 'dropped with it' },
  { hooks: [{}], language: 'dropped with it' },
  { hooks: [], language: 'kept' },
  { hooks: { Stop: { a: 1 } }, language: 'kept' },
  { hooks: { PreToolUse: [{ matcher: 'Edit', hooks: [{ type: 'bogus' }] }] } },
  { enabledPlugins: { 'a@b': 5, 'c@d': true } },
  { companyAnnouncements: [5], language: 'dropped with it' },
];

const noSandbox = (file: JsonObject | string): boolean =>
  typeof file === 'string' || !('sandbox' in file);

/** A small generator with a seed: the same layers on every machine. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws layers: each of them from pieces, some bad, with or without a policy. */
export function drawLayers(seed: number, withPolicy: boolean): Layers {
  const random = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const file = (name: string): JsonObject | string => {
    // With a sandbox that it cannot read in its own flag, Claude Code does not start at all.
    if (random() < 0.2) return pick(name === 'flag' ? badFiles.filter(noSandbox) : badFiles);
    const count = 1 + Math.floor(random() * 5);
    return Object.assign({}, ...Array.from({ length: count }, () => pick(pieces))) as JsonObject;
  };
  const maybe = (name: keyof Layers, chance: number): object =>
    random() < chance ? { [name]: file(name) } : {};
  const dropIns = ['10-a.json', '20-b.json', '9-c.json', '.hidden.json', 'notes.txt'];
  return {
    ...{ user: file('user') },
    ...maybe('project', 0.8),
    ...maybe('local', 0.7),
    ...maybe('flag', 0.5),
    ...(withPolicy ? maybe('managed', 0.8) : {}),
    ...(withPolicy
      ? {
          dropIns: Object.fromEntries(
            dropIns.filter(() => random() < 0.6).map((name) => [name, file(name)]),
          ),
        }
      : {}),
  };
}
