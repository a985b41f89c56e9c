import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findMainWorktree } from '../src/main-worktree.js';

let home: string;
const git = (cwd: string, ...argv: string[]) =>
  execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@localhost', ...argv], {
    cwd,
    stdio: 'ignore',
  });
beforeEach(() => {
  home = realpathSync(mkdtempSync(path.join(tmpdir(), 'orch-core-')));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it('finds the main worktree from anywhere inside it, and from a linked one', async () => {
  const root = path.join(home, 'with space');
  mkdirSync(path.join(root, 'deep', 'er'), { recursive: true });
  git(root, 'init', '--quiet');
  git(root, 'commit', '--quiet', '--allow-empty', '-m', 'x');
  git(root, 'worktree', 'add', '--quiet', path.join(home, 'linked'));
  mkdirSync(path.join(home, 'linked', 'below'));
  for (const start of [root, path.join(root, 'deep', 'er'), path.join(home, 'linked', 'below')]) {
    expect(await findMainWorktree(start)).toBe(root);
  }
});

it('says that there is none', async () => {
  expect(await findMainWorktree(home)).toBeUndefined();
});
