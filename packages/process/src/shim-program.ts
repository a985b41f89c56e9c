import { requireProgram } from './system-program.js';

/**
 * The shim: a shell between the owner and a program whose output and end go to files. The program writes to
 * the files itself, so the owner's death takes nothing from it. Arguments: directory of the record, seconds
 * between two looks at the lease (0: none), the system's sleep and sync, the program and its arguments.
 *
 * Its stdout is the lifeline: the owner's heartbeats are read from it, and its end is the owner's death, at
 * which the group, this shell included, is killed at once. A line is written to it when a signal no longer
 * gets lost between the shell and the program; if nobody is there to read it, the program is not started. When the program has
 * ended, first its output, then the record of its exit with the directory are made durable, and only then
 * the shell itself exits, which is what the owner sees.
 *
 * A record that cannot be made durable is emptied, and then tells nothing.
 *
 * `asked`: somebody sent the group a signal that asks it to end, so the program's end may not be its own.
 */
const program = `
directory=$1
pause=$2
sleep=$3
sync=$4
shift 4
asked=false
trap asked=true TERM INT HUP
counting=
if [ "$pause" != 0 ]; then
  trap '' USR2
  (
    missed=0
    trap missed=0 USR2
    trap '' TERM INT HUP QUIT
    trap 'kill -s KILL $sleeping; exit 0' USR1
    exec >/dev/null 2>&1
    while [ $missed -lt 4 ]; do
      "$sleep" "$pause" &
      sleeping=$!
      while kill -s 0 $sleeping; do wait $sleeping; done
      missed=$((missed + 1))
    done
    kill -s KILL 0
  ) &
  counting=$!
  trap - USR2
fi
(
  trap '' TERM INT HUP QUIT
  exec <&1 >/dev/null 2>&1
  while read -r beat; do kill -s USR2 $counting; done
  kill -s KILL 0
) &
watching=$!
exec 3>&2 2>/dev/null
(
  trap - TERM INT HUP
  trap '' PIPE
  echo >&4 2>/dev/null || kill -s KILL 0
  trap - PIPE
  exec "$@" 4>&-
) 4>&1 >>"$directory/stdout" 2>>"$directory/stderr" 3>&-
code=$?
trap '' TERM INT HUP
kill -s KILL $watching
[ -z "$counting" ] || kill -s USR1 $counting
exec 2>&3 3>&-
"$sync" "$directory/stdout" "$directory/stderr" &&
  echo "{\\"v\\":1,\\"code\\":$code,\\"asked\\":$asked}" >"$directory/exit.json" &&
  "$sync" "$directory/exit.json" "$directory" ||
  true >"$directory/exit.json"
wait $counting 2>/dev/null
exit $code
`;

/** How often in a lease the shim looks for a heartbeat, and the owner sends one. */
export const looksInLease = 4;

/** Argv of the shim of a program. Throws `ORCH_PROCESS_PLATFORM` where the system lacks what it needs. */
export function shimArgv(options: {
  readonly directory: string;
  readonly leaseMs: number | undefined;
  readonly argv: readonly string[];
  /** Where system programs are looked for. */
  readonly among?: readonly string[] | undefined;
}): readonly [string, ...string[]] {
  const { directory, leaseMs, argv, among } = options;
  const pause = leaseMs === undefined ? '0' : String(leaseMs / looksInLease / 1000);
  const sleep = leaseMs === undefined ? '' : requireProgram('sleep', 'record.leaseMs', among);
  const sync = requireProgram('sync', 'a record', among);
  return ['/bin/sh', '-c', program, 'orch-shim', directory, pause, sleep, sync, ...argv];
}
