import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { settlesWithin } from './alarm.js';
import type { Leader } from './leader.js';
import { markersOf } from './marker.js';
import { leaderFunctions, roundsIn } from './shell-functions.js';
import { spawnLeader, type Stdio } from './spawn.js';
import { requireProgram } from './system-program.js';

/**
 * A process beside a guarded one. It holds the owner's ends of that one's streams, gives it time to write down
 * what it knows, and lets go of them only after it has killed it: so a program whose owner dies never sees the
 * end of its input, and cannot act on it.
 */
export interface Guard {
  /**
   * Ends the guard; resolves when it is gone, or after 3 s at most: one that does not hear is continued, and then
   * killed. Whom it guarded must have ended.
   */
  dismiss(): Promise<void>;
}

/** A guard that is not stopped goes within milliseconds. */
const dismissalMs = 1000;

/** Waits on stdin for a word of the owner, or for the owner's death. Arguments: pid, start and rounds of the guarded, sleep. */
const program = `
sleep=$4
trap '' TERM INT HUP QUIT
${leaderFunctions}
read -r word && exit 0
wait_for "$@"
kill_group "$1" "$2"
`;

/** The program by which a guard waits. Throws `ORCH_PROCESS_PLATFORM`. */
export const sleepOfGuard = (among?: readonly string[]): string =>
  requireProgram('sleep', 'guardMs', among);

/** Number of the open file of one of our streams; Node shows it nowhere else. */
function fileOf(stream: Readable | Writable | null): number | 'ignore' {
  const { _handle: handle } = stream as unknown as { _handle?: { fd?: number } | null };
  const file = handle?.fd ?? -1;
  return file >= 0 ? file : 'ignore';
}

/**
 * Starts the guard of a process, which leaves it `patienceMs` after the owner's death. Rejects with `ORCH_PROCESS_START`.
 */
export async function startGuard(leader: Leader, patienceMs: number): Promise<Guard> {
  const { identity, stdin, stdout, stderr } = leader;
  const { pid, startTime } = identity;
  // Looked up in the very turn of the start: a stream that closed has a number that others may get.
  const stdio = (): Stdio => [
    'pipe',
    'ignore',
    'ignore',
    ...(stdin === null ? [] : [fileOf(stdin)]),
    fileOf(stdout),
    fileOf(stderr),
  ];
  const words = [
    `orch-guard ${pid}`,
    String(pid),
    startTime,
    String(roundsIn(patienceMs)),
    sleepOfGuard(),
  ] as const;
  const argv = ['/bin/sh', '-c', program, ...words] as const;
  const env = { PATH: '/usr/bin:/bin', ...markersOf(undefined) };
  const child = await spawnLeader({ argv, cwd: '/', env }, stdio, (started: ChildProcess) => {
    started.unref();
    return started;
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const pipe = child.stdin;
  pipe?.on('error', () => undefined); // it was killed; the reaper is still there
  return {
    async dismiss() {
      child.ref();
      pipe?.end('done\n');
      if (await settlesWithin(exited, dismissalMs)) return;
      // Somebody has stopped it.
      child.kill('SIGCONT');
      if (await settlesWithin(exited, dismissalMs)) return;
      child.kill('SIGKILL');
      await settlesWithin(exited, dismissalMs);
      child.unref();
    },
  };
}
