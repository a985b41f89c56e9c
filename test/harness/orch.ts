import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Event, RunState } from '@orch/coordinator/state';
import type { TestRepository } from './repository.js';

const root = path.resolve(import.meta.dirname, '../..');
export const orchProgram = path.join(root, 'apps', 'cli', 'dist', 'main.cjs');
export const claudeProgram =
  process.env['ORCH_TEST_CLAUDE'] ??
  path.join(root, '.peers', 'claude-code', 'node_modules', '.bin', 'claude');

/** What is missing is said, not skipped. */
export function requirePrograms(): void {
  if (!existsSync(orchProgram)) throw new Error(`${orchProgram} is not built. Run: npm run build`);
  if (!existsSync(claudeProgram))
    throw new Error(`Claude Code is not at ${claudeProgram}. Run: npm run setup`);
}

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningOrch {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

export interface OrchOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the built CLI in a repository, with nothing of our own environment but PATH. */
export function startOrch(
  repository: TestRepository,
  argv: readonly string[],
  options: OrchOptions = {},
): RunningOrch {
  requirePrograms();
  const child = spawn(process.execPath, [orchProgram, ...argv], {
    cwd: options.cwd ?? repository.root,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: repository.home,
      ORCH_STATE_DIR: repository.state,
      ORCH_CLAUDE: claudeProgram,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid === undefined) throw new Error('orch was not started');
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return {
    pid: child.pid,
    child,
    finished: new Promise((resolve) =>
      child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
    ),
  };
}

/** Runs the CLI to its end. */
export const orch = (
  repository: TestRepository,
  argv: readonly string[],
  options: OrchOptions = {},
): Promise<Finished> => startOrch(repository, argv, options).finished;

/** The only run, or the newest. */
export function runDirectory(repository: TestRepository): string | undefined {
  const runs = path.join(repository.root, '.orch', 'runs');
  if (!existsSync(runs)) return undefined;
  const newest = readdirSync(runs).sort().at(-1);
  return newest === undefined ? undefined : path.join(runs, newest);
}

/** The journal as the bytes on disk say it, read without any code of orch. */
export function journalEvents(repository: TestRepository): readonly Event[] {
  const directory = runDirectory(repository);
  const journal = directory === undefined ? '' : path.join(directory, 'journal');
  if (!existsSync(journal)) return [];
  return readdirSync(journal)
    .sort((a, b) => parseInt(a) - parseInt(b))
    .flatMap((name) => jsonLines(path.join(journal, name)) as readonly Event[]);
}

/** Whole lines of a file that is being written. */
export function jsonLines(file: string): readonly unknown[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as unknown];
      } catch {
        return [];
      }
    });
}

/** `orch status --json`. */
export async function status(
  repository: TestRepository,
): Promise<{ readonly state: RunState; readonly status: string; readonly line: string }> {
  const { stdout, stderr } = await orch(repository, ['status', '--json']);
  if (stdout === '') throw new Error(`orch status said nothing: ${stderr}`);
  return JSON.parse(stdout) as { state: RunState; status: string; line: string };
}
