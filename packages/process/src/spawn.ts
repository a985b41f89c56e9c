import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { statSync } from 'node:fs';
import { ProcessError } from './process-error.js';
import { spawnTurn } from './spawn-pace.js';

/** What a person can do about a system's refusal to start a program. */
function advice(reason: string, program: string, cwd: string, path: string | undefined): string {
  switch (reason) {
    case 'ENOENT':
      if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
        return `its directory ${cwd} does not exist; create it or correct cwd`;
      }
      return program.includes('/')
        ? `${program} does not exist, or the interpreter that its first line names does not`
        : `no ${program} in PATH (${path ?? 'env has no PATH, so /bin:/usr/bin'}); install it, give its absolute path, or pass a PATH in env`;
    case 'ENOTDIR':
      return `its directory ${cwd}, or a part of the program's path, is not a directory`;
    case 'EACCES':
    case 'EPERM':
      return `${program} may not be run, or ${cwd} may not be entered; check their permissions (chmod +x), and that the disk is not mounted noexec`;
    case 'ENOEXEC':
      return `${program} is not a program for this machine; a script needs a first line such as #!/bin/sh`;
    case 'E2BIG':
      return 'its arguments and environment are too long for this system; pass the long part by stdin or a file';
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open; run fewer processes at once, or raise the limit (ulimit -n)';
    case 'EAGAIN':
    case 'ENOMEM':
      return 'the system has no room for another process; run fewer at once, or raise the limit (ulimit -u, memory)';
    default:
      return 'see the cause';
  }
}

export function startError(
  argv: readonly string[],
  options: SpawnOptions,
  cause: unknown,
): ProcessError {
  const program = argv[0] ?? '';
  const cwd = String(options.cwd);
  const reason =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
      ? cause.code
      : 'unknown';
  const what = advice(reason, program, cwd, options.env?.['PATH']);
  return new ProcessError(
    'ORCH_PROCESS_START',
    `${program} could not be started in ${cwd} (${reason}): ${what}.`,
    {
      details: { reason, program, cwd },
      cause,
    },
  );
}

/**
 * Starts a program as leader of a session of its own, in a turn of its own; `started` is called in the
 * same turn, so that the process cannot be reaped before it is known.
 * Rejects with `ORCH_PROCESS_START`.
 */
export async function spawnLeader<T>(
  argv: readonly [string, ...string[]],
  options: SpawnOptions,
  started: (child: ChildProcess, pid: number) => T,
): Promise<T> {
  await spawnTurn();
  const [program, ...args] = argv;
  // Node would pass its own NODE_V8_COVERAGE on; a name that is there, even without a value, prevents it.
  const measured = 'NODE_V8_COVERAGE' in process.env;
  const env = measured ? { NODE_V8_COVERAGE: undefined, ...options.env } : options.env;
  let child: ChildProcess;
  try {
    child = spawn(program, args, { ...options, env, detached: true });
  } catch (error) {
    throw startError(argv, options, error);
  }
  if (child.pid !== undefined) {
    child.on('error', () => undefined); // later errors come from kill() and send(), which nobody calls
    return started(child, child.pid);
  }
  const cause = await new Promise<unknown>((resolve) => child.once('error', resolve));
  throw startError(argv, options, cause);
}
