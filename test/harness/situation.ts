import { expect } from 'vitest';
import { orch, status, type Finished } from './orch.js';
import { listFiles, type TestRepository } from './repository.js';

/** A command that leaves one file. */
export const work = { id: 'work', sh: 'echo work > work.txt', effect: 'diff' };

/** A plan of one task. */
export const planOf = (more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ version: 1, name: 'situation', tasks: [work], ...more }, null, 2);

/** Commits a plan. */
export function plan(of: TestRepository, more: Readonly<Record<string, unknown>> = {}): string {
  of.write({ 'orch.yaml': planOf(more) });
  return of.commit('A plan');
}

export const run = (of: TestRepository, cwd = of.root): Promise<Finished> =>
  orch(of, ['run', 'orch.yaml', '--yes'], { cwd });

/** What a person has in a worktree: files, index and HEAD. What orch keeps aside is not looked at. */
export function holdings(of: TestRepository): Readonly<Record<string, unknown>> {
  const files = Object.entries(listFiles(of.root)).filter(
    ([name]) => !/^(\.git|\.orch)(\/|$)/.test(name),
  );
  return {
    files: Object.fromEntries(files),
    status: of.git('status', '--porcelain=v2', '--branch', '--untracked-files=all'),
    staged: of.git('diff', '--cached', '--binary'),
    unstaged: of.git('diff', '--binary'),
    head: of.git('rev-parse', 'HEAD'),
  };
}

/** The id of the newest run. */
export const runId = async (of: TestRepository): Promise<string> => (await status(of)).state.run;

/** What the last line that begins with `next:` says. */
export function nextCommand({ stdout, stderr }: Finished): string {
  const found = /^ *next: (.+)$/m.exec(stdout + stderr)?.[1];
  if (found === undefined) throw new Error(`no next command in: ${stdout}${stderr}`);
  return found;
}

/** A delivery that was refused: exit 5, and the work is under refs that nobody else moves. */
export async function expectRefused(finished: Finished, of: TestRepository, reason: RegExp) {
  expect(finished.code, finished.stdout + finished.stderr).toBe(5);
  expect(finished.stdout).toMatch(reason);
  const { state } = await status(of);
  expect(state.tasks['work']?.verdict).toBe('succeeded');
  expect(state.outcome).toBe('conflicted');
  const integration = `refs/orch/integration/${state.run}`;
  expect(of.git('show', `${integration}:work.txt`)).toBe('work');
  expect(of.git('show', `refs/orch/runs/${state.run}/work/1:work.txt`)).toBe('work');
  return { integration, next: nextCommand(finished) };
}
