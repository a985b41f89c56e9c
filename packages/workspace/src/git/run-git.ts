import type { ProcessOwner } from '@orch/process';
import { WorkspaceError } from '../workspace-error.js';
import { neutralArguments, neutralEnvironment } from './neutral.js';

/** One git command. */
export interface GitCall {
  /** Subcommand and arguments. */
  readonly args: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly input?: string;
  /** Added to the neutral environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Added to the neutral configuration. */
  readonly config?: readonly (readonly [string, string])[];
  /** Exit codes that are answers. Default `[0]`. */
  readonly accept?: readonly number[];
}

export interface GitAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs git; throws `ORCH_GIT_FAILED` for an exit code that the call does not accept. */
export type RunGit = (call: GitCall) => Promise<GitAnswer>;

const captureBytes = 256 * 1024 * 1024;
const wallMs = 30 * 60_000;

export interface RunGitOptions {
  readonly owner: Pick<ProcessOwner, 'run'>;
  /** Absolute path of git. */
  readonly program: string;
  /** PATH of git's own helpers. */
  readonly path: string;
  /** An empty directory that stands for the home. */
  readonly home: string;
}

function failed(call: GitCall, problem: string, details: Record<string, unknown>): WorkspaceError {
  const command = `git ${call.args.join(' ')}`;
  const shown = command.length > 300 ? `${command.slice(0, 300)}...` : command;
  return new WorkspaceError('ORCH_GIT_FAILED', `\`${shown}\` failed: ${problem}.`, {
    details: { args: call.args, cwd: call.cwd, ...details },
  });
}

export function createGit(options: RunGitOptions): RunGit {
  const environment = neutralEnvironment(options.path, options.home);
  return async (call) => {
    const ended = await options.owner.run({
      argv: [options.program, ...neutralArguments(call.config), ...call.args],
      cwd: call.cwd ?? options.home,
      env: { ...environment, ...call.env },
      captureBytes,
      wallMs,
      ...(call.input === undefined ? {} : { input: call.input }),
    });
    const stderr = ended.stderr.text.trim();
    const details = { code: ended.code, signal: ended.signal, reason: ended.reason, stderr };
    if (ended.reason !== 'exited' || ended.code === null) {
      throw failed(call, `it ended by ${ended.signal ?? ended.reason}`, details);
    }
    if (ended.stdout.truncated) {
      throw failed(call, `its answer is longer than ${captureBytes} bytes`, details);
    }
    if (!(call.accept ?? [0]).includes(ended.code)) {
      throw failed(
        call,
        `exit code ${ended.code}, ${stderr.slice(-2000) || 'no message'}`,
        details,
      );
    }
    return { code: ended.code, stdout: ended.stdout.text, stderr };
  };
}
