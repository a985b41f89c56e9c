// `npm start`: rehearses examples/first-run on a repository made on the fly. The real orch, the real
// Claude Code, real git and real processes; only the model's answers come from a script.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { claudeCodeExecutable } from './claude-code.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const example = path.join(root, 'examples', 'first-run');
const orch = path.join(root, 'apps', 'cli', 'dist', 'main.cjs');
if (!existsSync(orch) || !existsSync(claudeCodeExecutable)) {
  console.error('Not set up yet. First: npm run setup');
  process.exit(7);
}

// Each time a new one: the last may be what somebody is just looking at.
const home = path.join(root, '.first-run');
mkdirSync(home, { recursive: true });
const repository = path.join(
  home,
  String(1 + Math.max(0, ...readdirSync(home).map(Number).filter(Number.isInteger))),
  'textkit',
);
mkdirSync(repository, { recursive: true });
cpSync(path.join(example, 'seed'), repository, { recursive: true });
for (const file of ['orch.yaml', 'rehearsal.yaml', 'prompts'])
  cpSync(path.join(example, file), path.join(repository, file), { recursive: true });
const git = (...argv) =>
  execFileSync(
    'git',
    [
      '-c',
      'user.name=First Run',
      '-c',
      'user.email=first-run@localhost',
      '-c',
      'commit.gpgsign=false',
      ...argv,
    ],
    { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] },
  );
git('init', '--quiet', '--initial-branch=main');
git('add', '--all');
git(
  'commit',
  '--quiet',
  '--message=A small library with tests, a bug, and eight functions to write',
);

const shown = path.relative(process.cwd(), repository);
console.log(`A little repository: ${shown}\nIts plan: ${path.join(shown, 'orch.yaml')}\n`);
const child = spawn(process.execPath, [orch, 'rehearse', 'orch.yaml', ...process.argv.slice(2)], {
  cwd: repository,
  stdio: 'inherit',
  env: {
    ...process.env,
    ORCH_CLAUDE: claudeCodeExecutable,
    ORCH_STATE_DIR: path.join(home, 'state'),
  },
});
// Ctrl-C reaches the child by the terminal; we wait for it to stop cleanly.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
child.on('exit', (code, signal) => {
  if (code === 0) {
    const word = (text) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
    console.log(`(in ${shown}: cd ${word(shown)} first)

Your own repository, your own \`claude\`:
  alias orch="node ${word(orch)}"
  cd your/repository && orch doctor   # what would apply
  write orch.yaml (docs/plan.md), then: orch rehearse orch.yaml, and for real: orch run orch.yaml`);
  }
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
