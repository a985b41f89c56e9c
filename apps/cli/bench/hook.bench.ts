/** What `orch hooks install` lets Claude Code start at each event, against a Node that does nothing. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bound } from '../../../tooling/bench/compare.js';
import { hookBound, quickestStarts } from '../../../tooling/bench/starts.js';

const directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'orch-hook-bench-')));
const project = path.join(directory, 'project');
const settings = Array.from(
  { length: 10 },
  (_, n) =>
    `    - { matcher: ${n % 2 === 0 ? `Tool${n}` : `^mcp__server${n}__`}, hooks: [{ type: command, argv: [./guard.sh, '${n}'] }] }\n`,
);
mkdirSync(project);
writeFileSync(
  path.join(project, 'orch.settings.yaml'),
  `hooks:\n  PreToolUse:\n${settings.join('')}`,
);
writeFileSync(path.join(project, 'guard.sh'), '#!/bin/sh\nexit 2\n');
chmodSync(path.join(project, 'guard.sh'), 0o755);

// As npm installs it: a link to a program whose first line asks for node.
const command = path.join(directory, 'orch');
symlinkSync(path.resolve('dist/main.cjs'), command);
const env = {
  PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
  HOME: directory,
  ORCH_STATE_DIR: path.join(directory, 'state'),
};
const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { cwd: project, env, encoding: 'utf8' });
run('git', 'init', '--quiet');
const { refused } = JSON.parse(run(command, 'hooks', 'list', '--json')) as {
  refused: { id: string }[];
};
for (const { id } of refused) run(command, 'hooks', 'approve', id, '--yes');
run(command, 'hooks', 'install', '--yes');
const { hooks } = JSON.parse(run(command, 'hooks', 'list', '--json')) as { hooks: unknown[] };
if (hooks.length !== 10) throw new Error(`there are ${hooks.length} hooks instead of 10`);

const claude = JSON.parse(
  readFileSync(path.join(directory, '.claude', 'settings.json'), 'utf8'),
) as {
  hooks: { PreToolUse: { hooks: { command: string; args: string[] }[] }[] };
};
const [installed] = claude.hooks.PreToolUse.flatMap((group) => group.hooks);
if (installed === undefined) throw new Error('nothing was installed for PreToolUse');

const input = (tool: string): string =>
  JSON.stringify({ hook_event_name: 'PreToolUse', tool_name: tool, tool_input: {}, cwd: project });
const hit = spawnSync(installed.command, installed.args, { input: input('Tool0'), env });
if (hit.status !== 2) throw new Error('the hook of Tool0 did not block');

const empty = path.join(directory, 'empty.mjs');
writeFileSync(empty, '');
const [ours = 0, theirs = 0] = await quickestStarts(
  [
    [installed.command, ...installed.args],
    [process.execPath, empty],
  ],
  { input: input('Bash'), env },
);
const { ms, words } = hookBound(theirs);
bound({
  suite: 'cli',
  case: `orch hook as installed, 10 hooks, none matches, min of 30; ${words}`,
  unit: 'ms',
  better: 'lower',
  ours,
  bound: ms,
});
rmSync(directory, { recursive: true });
