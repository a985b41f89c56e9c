/** The program behind `orch hook`, which Claude Code starts at each event: against a Node that does nothing. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadHookTable, writeTableSection } from '@orch/hooks';
import { bound } from '../../../tooling/bench/compare.js';

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

const input = `${JSON.stringify({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_input: { command: 'ls' }, cwd: '/' })}\n`;
function startMs(argv: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('exit', (code) =>
      code === 0
        ? resolve(performance.now() - startedAt)
        : reject(new Error(`exit code ${String(code)}`)),
    );
  });
}

const [ours, theirs]: [number[], number[]] = [[], []];
for (let round = 0; round < 30; round += 1) {
  ours.push(await startMs([program, 'PreToolUse']));
  theirs.push(await startMs([empty]));
}
const [least, floor] = [Math.min(...ours), Math.min(...theirs)];
const major = Number(process.versions.node.split('.')[0]);
const head = { suite: 'hooks', unit: 'ms', better: 'lower', ours: least } as const;
if (major < 22)
  bound({
    ...head,
    case: 'the program behind orch hook, 10 hooks, none matches, min of 30; at most 1.15 x an empty node',
    bound: floor * 1.15,
  });
else
  bound({
    ...head,
    case: 'the program behind orch hook, 10 hooks, none matches, min of 30; at most 8 ms more than an empty node',
    bound: floor + 8,
  });
rmSync(directory, { recursive: true });
