import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { constants as system } from 'node:os';
import { basename, join } from 'node:path';
import { daemonPlaces } from './daemon-places.js';
import type { LeaderSpec } from './leader.js';
import { requireProgram } from './system-program.js';
import { obstacle, throughShell } from './through-shell.js';

/**
 * What holds a tree together, strongest first.
 *
 * - `pid namespace`: the kernel kills all of it when its first process ends; nothing gets out, and the usual places
 *   where tmux, screen, at and cron take orders are hidden from it.
 * - `cgroup`: the kernel lists and kills all of it; only a privileged process could move itself out.
 * - `process group`: descendants, session, group and marker; a process that daemonised itself and emptied
 *   its environment is not seen.
 */
export type Level = 'pid namespace' | 'cgroup' | 'process group';

/** A level that was seen to work here, with what it takes. Plain data; made by `probeLevels`. */
export type Hold =
  | {
      readonly level: 'pid namespace';
      /** Program and arguments that go before `/bin/sh`, which becomes process 1 of the namespace. */
      readonly enter: readonly [string, ...string[]];
    }
  | {
      readonly level: 'cgroup';
      /** Directory of a cgroup (v2) in which this process may make others. */
      readonly directory: string;
    }
  | { readonly level: 'process group' };

export const groupHold: Hold = { level: 'process group' };

/**
 * Process 1 of a namespace. A signal without a handler does not reach it, so it is no place for the program
 * itself; it gathers orphans, lets what the program leaves (a `tee`) finish for a moment, and then asks it to
 * end before the kernel kills it. A shell ends by INT, which the program may want to survive.
 *
 * Arguments: steps of 50 ms for what is left and for the grace, the system's sleep and mount, pairs of options and
 * directory of what is to be hidden by an empty file system, `--`, the program. Where that fails, nothing is started.
 */
const firstProcess = `
trap : INT
sleep=$3
mount=$4
drain=$1
steps=$2
shift 4
while [ "$1" != -- ]; do
  "$mount" -n -t tmpfs -o "$1" orch-hidden "$2" || {
    echo "orch: $2, where a daemon takes orders, could not be hidden, so nothing was started" >&2
    exit 125
  }
  shift 2
done
shift
exec 3>&2 2>/dev/null
"$@" 2>&3 3>&-
code=$?
exec 0<&- 1>&- 3>&-
while [ $code != 143 ] && [ $drain -gt 0 ] && kill -s 0 -- -1; do
  "$sleep" 0.05
  drain=$((drain - 1))
done
if kill -s 0 -- -1; then
  [ $code = 143 ] || kill -s TERM -- -1
  kill -s CONT -- -1
  while [ $steps -gt 0 ] && kill -s 0 -- -1; do
    "$sleep" 0.05
    steps=$((steps - 1))
  done
fi
exit $code
`;

/** What hides the places of daemons: arguments of the way into the namespace, and of its first process. */
function hiding(
  enter: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  among: readonly string[] | undefined,
): { readonly outside: readonly string[]; readonly inside: readonly string[] } {
  const places = daemonPlaces(env);
  if (basename(enter[0]) === 'bwrap') {
    const outside = places.flatMap(({ directory, mode }) => [
      ...['--perms', mode.toString(8), '--tmpfs', directory],
    ]);
    return { outside, inside: [''] };
  }
  const mount = requireProgram('mount', 'a PID namespace', among);
  const inside = places.flatMap(({ directory, mode, user, group }) => [
    `mode=${mode.toString(8)},uid=${user},gid=${group},size=16m`,
    directory,
  ]);
  return { outside: [], inside: [mount, ...inside] };
}

/** Joins the cgroup before anything of the program runs, so that there is no moment outside. */
const joinProgram = 'echo 0 >"$0/cgroup.procs" || exit 125; exec "$@"';

/** Where an owner keeps what it starts. */
export interface Held {
  /** Directory of the cgroup of all that the owner starts. */
  readonly cgroup: string | undefined;
  /**
   * What to start in the place of `spec`, or why it cannot be started: with a program in between, only
   * its own start would be seen to fail.
   */
  wrap(
    spec: LeaderSpec,
    name: string,
    times: { readonly graceMs: number; readonly drainMs: number },
  ): LeaderSpec | { readonly refused: string };
  /** Lets go of what was made for one tree, or, without a name, for all. */
  release(name?: string): void;
}

/** `among`: where system programs are looked for. `wrap` throws `ORCH_PROCESS_PLATFORM` where one is missing. */
export function createHeld(hold: Hold, marker: string, among?: readonly string[]): Held {
  const cgroup = hold.level === 'cgroup' ? cgroupOf(hold.directory, marker) : undefined;
  return {
    cgroup,
    wrap(spec, name, { graceMs, drainMs }) {
      if (hold.level === 'process group') return spec;
      const refused = obstacle(spec);
      if (refused !== undefined) return { refused };
      if (hold.level === 'pid namespace') {
        const steps = [drainMs, graceMs].map((ms) => String(Math.ceil(ms / 50)));
        const { argv, env } = throughShell(spec);
        const sleep = requireProgram('sleep', 'a PID namespace', among);
        const { outside, inside } = hiding(hold.enter, spec.env, among);
        const first = ['/bin/sh', '-c', firstProcess, 'orch-first', ...steps, sleep, ...inside];
        return { ...spec, env, argv: [...hold.enter, ...outside, ...first, '--', ...argv] };
      }
      const directory = `${cgroup ?? ''}/${name}`;
      mkdirSync(directory, { recursive: true });
      const { argv, env } = throughShell(spec);
      const join = ['/bin/sh', '-c', joinProgram, directory, ...argv] as const;
      return { ...spec, env, argv: join, cgroup: directory };
    },
    release(name) {
      if (cgroup !== undefined) removeCgroup(name === undefined ? cgroup : join(cgroup, name));
    },
  };
}

/** The cgroup of everything that owners with this marker start below `directory`. */
export const cgroupOf = (directory: string, marker: string): string =>
  join(directory, `orch.${marker}`);

/** Removes an empty cgroup and the empty ones below it; one with processes stays. */
export function removeCgroup(directory: string): void {
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) removeCgroup(join(directory, entry.name));
    }
    rmdirSync(directory);
  } catch {
    // It was removed before, or something that could not be ended is still in it.
  }
}

const signals = Object.entries(system.signals);

/** The signal that a shell tells as code 128 and its number. */
export function signalOfCode(code: number | null): string | undefined {
  return code === null ? undefined : signals.find(([, number]) => number === code - 128)?.[0];
}
