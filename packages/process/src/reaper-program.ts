import { leaderFunctions } from './shell-functions.js';
import { findProgram } from './system-program.js';
import { programText, type Modules, type Parts } from './program-text.js';

/**
 * Ends what a dead owner left. Arguments: marker, start of the owner, grace in ms, cgroup; on stdin the identities
 * `pid/start` of what it had started. Exits with 1 if something could not be ended.
 * Self-contained (no import, no outer name): only its text runs, in a process of its own. `check` builds
 * everything and ends nothing.
 */
function reap({ fs, childProcess }: Modules, parts: Parts, check: boolean): void {
  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
  const table = parts.createProcessTable({
    platform: process.platform,
    fs,
    runProgram: (program, args) =>
      childProcess.execFileSync(program, args, {
        encoding: 'utf8',
        env: { PATH: '/bin:/usr/bin:/sbin:/usr/sbin', LC_ALL: 'C' },
      }),
  });
  const finder = parts.createTreeFinder(table);
  const ending = parts.createEnding(table, finder, {
    kill: (pid, signal) => {
      process.kill(pid, signal);
    },
    sleep,
    nowMs: () => performance.now(),
  });
  if (check) return;

  const [marker = '', since = '0', graceMs = '2000', cgroup = ''] = process.argv.slice(1);
  process.title = `orch-reaper ${marker}`;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])
    process.on(signal, () => undefined);
  const known = new Map<number, string>();
  for (const word of fs.readFileSync(0, 'utf8').split(' ')) {
    const [pid, startTime] = word.split('/');
    if (startTime !== undefined) known.set(Number(pid), decodeURIComponent(startTime));
  }
  const tree = {
    known,
    justLeft: new Set<number>(),
    owner: marker,
    branch: `${marker}/`,
    since: Number(since),
    spared: new Set([process.pid]),
    cgroup: cgroup === '' ? undefined : cgroup,
  };

  async function endAll(): Promise<void> {
    // A child forked in the owner's last moment carries the marker only once it has become its program.
    for (let round = 0; round < 3; round += 1) {
      await ending.end(tree, Number(graceMs));
      await sleep(100);
    }
    process.exit(finder.look(tree).empty === 0 ? 1 : 0);
  }
  void endAll();
}

/**
 * Waits for the death of the owner, then runs Node with the program above: as a shell it is ready at once
 * and costs a megabyte. Its stdin has lines `+pid/start` and `=` with the list of all; to wake it for each
 * would cost more than the start of a process, so they wait in the pipe until file 3 has a line, or ends. What is
 * told as `pid/start/rounds` ends by others (a guard, a shim) within so many rounds, and is not touched before.
 */
const shellProgram = `
trap '' TERM INT HUP QUIT
sleep=$1
shift
known=
take() {
  while IFS= read -r line; do
    case $line in
      .) return ;;
      =*) known=\${line#=} ;;
      +*) known="$known \${line#+}" ;;
      close) exit 0 ;;
    esac
  done
}
${leaderFunctions}
while read -r line <&3; do take; done
take
exec 3<&-
# At once and for good: an agent whose owner no longer answers takes its silence for a no, and says so in its
# conversation.
for word in $known; do kill_group "\${word%%/*}" "\${word#*/}"; done
for word in $known; do
  rest=\${word#*/}
  case $rest in */*) wait_for "\${word%%/*}" "\${rest%%/*}" "\${rest#*/}" ;; esac
done
tries=0
until printf %s "$known" | "$@"; do
  tries=$((tries + 1))
  [ $tries -lt 5 ] || exit 1
  "$sleep" 1
done
`;

/** Argv of the reaper of an owner. */
export function reaperArgv(options: {
  readonly marker: string;
  readonly since: number;
  readonly graceMs: number;
  readonly cgroup: string | undefined;
}): readonly [string, ...string[]] {
  const { marker, since, graceMs, cgroup = '' } = options;
  // Where there is none, nobody was started who is to be waited for.
  const sleep = findProgram('sleep') ?? 'true';
  const words = [marker, String(since), String(graceMs), cgroup];
  const node = [process.execPath, '-e', programText('reaper', reap), ...words];
  return ['/bin/sh', '-c', shellProgram, `orch-reaper ${marker}`, sleep, ...node];
}
