import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ownCgroup } from './cgroup-place.js';
import { createHeld, groupHold, removeCgroup, type Hold, type Level } from './level.js';
import { probeEnvironment, runProbe } from './run-probe.js';
import { findProgram } from './system-program.js';
import { table } from './system.js';

/** What was found out about one level. */
export type Probe =
  | { readonly level: Level; readonly works: true; readonly hold: Hold }
  | { readonly level: Level; readonly works: false; readonly problem: string };

/** What can hold trees together on this machine, for this user, now. */
export interface Levels {
  /** The strongest that works. */
  readonly best: Hold;
  /** All of them, strongest first, each tried for real. */
  readonly all: readonly Probe[];
}

function find(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

type Entrance = readonly [string, ...string[]];

/** Ways into a PID namespace, by name. Each dies with the process that started it. */
export const entrances = {
  unshare(): Entrance {
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user'];
    const options = ['--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
    const unshare = [find('unshare'), ...user, ...options, find('setsid')];
    return [find('setpriv'), '--pdeathsig', 'KILL', ...unshare];
  },
  bubblewrap(): Entrance {
    const bind = ['--dev-bind', '/', '/', '--proc', '/proc'];
    const options = ['--unshare-pid', '--as-pid-1', '--new-session', '--die-with-parent'];
    return [find('bwrap'), ...bind, ...options];
  },
};

/** What a program may do: its user namespace, its capabilities, and whether setuid programs work for it. */
const rightsScript =
  "readlink /proc/self/ns/user; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status | tr -d '[:blank:]'";

const own = (): { readonly user: string; readonly status: string } => ({
  user: readlinkSync('/proc/self/ns/user'),
  status: readFileSync('/proc/self/status', 'utf8').replaceAll(/[^\S\n]/g, ''),
});

/** Why a program inside could do less than we can; undefined if it is the same. */
function lostRight(user: string, rights: readonly string[]): string | undefined {
  const outside = own();
  if (user !== outside.user) {
    return 'it needs a user namespace, in which sudo and other setuid programs fail, and files of others belong to nobody';
  }
  const lines = outside.status.split('\n');
  // Root has nothing to gain from a setuid program.
  const lost = rights.find(
    (line) => !lines.includes(line) && !(line.startsWith('NoNewPrivs') && process.getuid?.() === 0),
  );
  return lost === undefined ? undefined : `programs would lose rights (${lost} inside)`;
}

/**
 * Why a way into a PID namespace does not do; undefined if it does. One that takes rights from programs is
 * refused: what a person's agents and gates may do must not depend on what holds them.
 */
export async function probeEntrance(enter: Entrance): Promise<string | undefined> {
  const held = createHeld({ level: 'pid namespace', enter }, 'probe');
  // In a namespace of its own, a child of process 1 has number 2 and sees no other process.
  const script = `ls -d /proc/[0-9]* | wc -l; readlink /proc/self; ${rightsScript}; exit 42`;
  const spec = {
    argv: ['/bin/sh', '-c', script],
    cwd: '/',
    env: probeEnvironment,
    stdin: 'closed',
    branch: '',
  } as const;
  const wrapped = held.wrap(spec, '', { graceMs: 0, drainMs: 0 });
  if ('refused' in wrapped) return wrapped.refused;
  const { code, said } = await runProbe(wrapped.argv);
  const [seen = '99', self = '99', user = '', ...rights] = said.split('\n');
  if (code === 42 && Number(seen) < 6 && Number(self) < 10) return lostRight(user, rights);
  const problem = `${said.split('\n').at(-1) ?? ''} (exit code ${code})`;
  // Where it takes rights away, this is why: the first process could not do its part.
  const { said: told } = await runProbe([...enter, '/bin/sh', '-c', rightsScript]);
  const [insideUser = '', ...insideRights] = told.split('\n');
  const lost = insideUser.startsWith('user:') ? lostRight(insideUser, insideRights) : undefined;
  return lost === undefined ? problem : `${lost}; ${problem}`;
}

async function probeNamespace(): Promise<Probe> {
  const level = 'pid namespace';
  const problems: string[] = [];
  for (const [name, entrance] of process.platform === 'linux' ? Object.entries(entrances) : []) {
    try {
      const enter = entrance();
      const problem = await probeEntrance(enter);
      if (problem === undefined) return { level, works: true, hold: { level, enter } };
      problems.push(`${name}: ${problem}`);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const problem = problems.join('; ') || `there are no PID namespaces on ${process.platform}`;
  return { level, works: false, problem };
}

async function probeCgroup(): Promise<Probe> {
  const level = 'cgroup';
  const fail = (problem: string): Probe => ({ level, works: false, problem });
  if (process.platform !== 'linux') return fail(`there are no cgroups on ${process.platform}`);
  let place: string | undefined;
  try {
    const directory = ownCgroup();
    if (directory === undefined) return fail('no cgroup v2 hierarchy is mounted');
    place = join(directory, `orch-probe.${randomBytes(6).toString('hex')}`);
    mkdirSync(place);
    const script = 'echo 0 >"$0/cgroup.procs" && exec sleep 30';
    const run = runProbe(['/bin/sh', '-c', script, place]);
    const state = { isOver: false };
    const over = (): void => void (state.isOver = true);
    run.then(over, over);
    while (!table.isPopulated(place) && !state.isOver)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const wasPopulated = table.isPopulated(place);
    table.killCgroup(place);
    const { said } = await run;
    if (!wasPopulated) return fail(`a process cannot be moved into ${place}: ${said}`);
    if (table.isPopulated(place)) return fail(`${place} cannot be killed (Linux 5.14 can)`);
    return { level, works: true, hold: { level, directory } };
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  } finally {
    if (place !== undefined) removeCgroup(place);
  }
}

let probing: Promise<Levels> | undefined;

/**
 * Finds out which levels work here, by trying each once; about 30 ms. The answer is kept for the life of
 * this process. Native Windows has none; macOS has `process group` alone.
 */
export function probeLevels(): Promise<Levels> {
  probing ??= Promise.all([probeNamespace(), probeCgroup()]).then(([namespace, cgroup]) => {
    const group: Probe = { level: 'process group', works: true, hold: groupHold };
    const all = [namespace, cgroup, group];
    const best = all.find((probe) => probe.works);
    return { best: best?.works === true ? best.hold : groupHold, all };
  });
  return probing;
}
