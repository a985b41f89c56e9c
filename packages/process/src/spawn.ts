import { spawn, type ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { ProcessError } from './process-error.js';
import type { Belongings, Exit, Leader, LeaderSpec } from './leader.js';
import { keepTurn, spawnTurn } from './spawn-pace.js';
import {
  isForWantOfRoom,
  roomWasMade,
  tellsWantOfRoom,
  tryForRoom,
  wantOfRoom,
} from './spawn-room.js';
import { finder, table } from './system.js';

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
    case 'EHELPER':
      return 'the spawn helper was killed meanwhile; what it may have started was ended. Start it again';
    default:
      return 'see the cause';
  }
}

/** What to say of a start that failed with a system's code such as ENOENT. */
export function startError(
  spec: Pick<LeaderSpec, 'argv' | 'cwd' | 'env'>,
  reason: string,
  cause?: unknown,
): ProcessError {
  const { argv, cwd, env } = spec;
  const program = argv[0];
  const what = advice(reason, program, cwd, env['PATH']);
  return new ProcessError(
    'ORCH_PROCESS_START',
    `${program} could not be started in ${cwd} (${reason}): ${what}.`,
    { details: { reason, program, cwd }, cause },
  );
}

const reasonOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
    ? cause.code
    : 'unknown';

/** As Node's; a number is an open file of this process. */
export type Stdio = readonly ('pipe' | 'ignore' | number)[];

/** Why there is no child. */
interface Refusal {
  readonly reason: string;
  readonly cause?: unknown;
}

type Startable = Pick<LeaderSpec, 'argv' | 'cwd' | 'env' | 'belongings'>;

/** Makes what belongs to the process first; drops it again where there is no process. */
async function tryWith<T>(
  belongings: Belongings,
  spec: Startable,
  stdio: Stdio | (() => Stdio),
  started: (child: ChildProcess, pid: number) => T,
): Promise<{ readonly value: T } | Refusal> {
  try {
    belongings.make();
  } catch (cause) {
    if (!tellsWantOfRoom(cause)) throw cause;
    return { reason: reasonOf(cause), cause };
  }
  const tried = await trySpawn(spec, stdio, started);
  if ('reason' in tried) belongings.drop();
  return tried;
}

function tryStart<T>(
  spec: Startable,
  stdio: Stdio | (() => Stdio),
  started: (child: ChildProcess, pid: number) => T,
): Promise<{ readonly value: T } | Refusal> {
  const full = wantOfRoom();
  if (full !== undefined) return Promise.resolve({ reason: full });
  const { belongings } = spec;
  return belongings === undefined
    ? trySpawn(spec, stdio, started)
    : tryWith(belongings, spec, stdio, started);
}

async function trySpawn<T>(
  spec: Startable,
  stdio: Stdio | (() => Stdio),
  started: (child: ChildProcess, pid: number) => T,
): Promise<{ readonly value: T } | Refusal> {
  const { argv, cwd } = spec;
  const [program, ...args] = argv;
  // Node would pass its own NODE_V8_COVERAGE on; a name that is there, even without a value, prevents it.
  const measured = 'NODE_V8_COVERAGE' in process.env;
  const env = measured ? { NODE_V8_COVERAGE: undefined, ...spec.env } : spec.env;
  let child: ChildProcess;
  try {
    const files = typeof stdio === 'function' ? stdio() : stdio;
    child = spawn(program, args, { cwd, env, stdio: [...files], detached: true });
  } catch (cause) {
    return { reason: reasonOf(cause), cause };
  }
  if (child.pid === undefined) {
    const cause = await new Promise<unknown>((resolve) => child.once('error', resolve));
    return { reason: reasonOf(cause), cause };
  }
  child.on('error', () => undefined); // later errors come from kill() and send(), which nobody calls
  return { value: started(child, child.pid) };
}

/**
 * Starts a program as leader of a session of its own, in a turn of its own; `started` is called in the
 * same turn, so that the process cannot be reaped before it is known. Where the system has no room for it
 * now, it waits for some, and those behind it as well.
 * Rejects with `ORCH_PROCESS_START`, or with what its belongings say other than that there is no room.
 */
export async function spawnLeader<T>(
  spec: Startable,
  stdio: Stdio | (() => Stdio),
  started: (child: ChildProcess, pid: number) => T,
): Promise<T> {
  await spawnTurn();
  let tried = await tryStart(spec, stdio, started);
  if ('reason' in tried && isForWantOfRoom(tried.reason)) {
    await keepTurn(() =>
      tryForRoom(async () => {
        tried = await tryStart(spec, stdio, started);
        return 'value' in tried || !isForWantOfRoom(tried.reason) ? tried : undefined;
      }),
    );
  }
  if ('value' in tried) return tried.value;
  throw startError(spec, tried.reason, tried.cause);
}

/** Live leaders of this process: none of them belongs to the tree of another. */
const leaders = new Set<number>();

function takeCharge(spec: LeaderSpec, child: ChildProcess, pid: number): Leader {
  const startedMs = performance.now();
  const entry = table.entry(pid);
  const { stdin, stdout, stderr } = child;
  if (entry === undefined || stdout === null || stderr === null) {
    child.kill('SIGKILL');
    throw new ProcessError(
      'ORCH_PROCESS_PLATFORM',
      `Process ${pid} cannot be seen in the process table right after its start. Check that /proc shows all processes of this user.`,
    );
  }
  const { startTime, order } = entry;
  const { branch, cgroup } = spec; // alone, so that its environment is not kept for as long as it lives
  leaders.add(pid);
  child.once('close', roomWasMade);
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      leaders.delete(pid);
      const ageMs = performance.now() - startedMs;
      const look = finder.lookAtExit({ pid, startTime, order, ageMs, branch, cgroup }, leaders);
      if (look instanceof Promise) void look.then((late) => resolve({ code, signal, look: late }));
      else resolve({ code, signal, look });
    });
  });
  return {
    identity: { pid, startTime, bootId: table.bootId() },
    order,
    stdin,
    stdout,
    stderr,
    exited,
    letGo: () => child.unref(),
  };
}

/** Starts a process as our own child. Rejects with `ORCH_PROCESS_START` or `ORCH_PROCESS_PLATFORM`. */
export function startDirectly(spec: LeaderSpec): Promise<Leader> {
  const stdio: Stdio = [spec.stdin === 'pipe' ? 'pipe' : 'ignore', 'pipe', 'pipe'];
  return spawnLeader(spec, stdio, (child, pid) => takeCharge(spec, child, pid));
}
