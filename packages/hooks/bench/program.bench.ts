/** The program behind `orch hook`, which Claude Code starts at each event: against a Node that does nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadHookTable, writeTableSection } from '@orch/hooks';
import { bound } from '../../../tooling/bench/compare.js';
import { hookBound, quickestStarts } from '../../../tooling/bench/starts.js';

const directory = mkdtempSync(join(tmpdir(), 'hooks-bench-'));
const groups = Array.from({ length: 10 }, (_, index) => ({
  matcher: index % 2 === 0 ? `Tool${index}` : `^mcp__server${index}__`,
  hooks: [{ type: 'command', argv: ['/bin/false', String(index)] }],
}));
const table = await loadHookTable({
  layers: [{ tier: 'user', source: 'bench', hooks: { PreToolUse: groups } }],
  place: { project: '/nonexistent', agentRoots: [], path: '/usr/bin:/bin' },
});
if (table.hooks.length !== 10) throw new Error('there are not 10 hooks');
await writeTableSection(directory, null, table, '/usr/bin:/bin');

const program = join(directory, 'hook.mjs');
const [face, decide] = ['program', 'decide'].map((name) =>
  import.meta.resolve(`@orch/hooks/${name}`),
);
writeFileSync(
  program,
  `import { runHookProgram } from ${JSON.stringify(face)};
await runHookProgram({ argv: process.argv.slice(2), environment: process.env, directory: ${JSON.stringify(directory)}, loadDecide: () => import(${JSON.stringify(decide)}) });`,
);
const empty = join(directory, 'empty.mjs');
writeFileSync(empty, '');

const input = JSON.stringify({
  hook_event_name: 'PreToolUse',
  tool_name: 'Bash',
  tool_input: { command: 'ls' },
  cwd: '/',
});
const node = process.execPath;
const [ours = 0, theirs = 0] = await quickestStarts(
  [
    [node, program, 'PreToolUse'],
    [node, empty],
  ],
  { input: `${input}\n` },
);
const { ms, words } = hookBound(theirs);
bound({
  suite: 'hooks',
  case: `the program behind orch hook, 10 hooks, none matches, min of 30; ${words}`,
  unit: 'ms',
  better: 'lower',
  ours,
  bound: ms,
});
rmSync(directory, { recursive: true });
