import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { giveController, ownCgroupWith, type CgroupPlace } from './cgroup-place.js';
import type { LeaderSpec } from './leader.js';
import { cgroupOf, removeCgroup } from './level.js';
import { withRoom } from './spawn-room.js';
import { obstacle, throughShell } from './through-shell.js';

/** What a process and all that comes of it may use together. The kernel enforces it, by cgroups. */
export interface Limits {
  /** When more is needed, the kernel kills one of them. Swap does not add to it. */
  readonly memoryBytes?: number;
  /** Processes and threads at once; the start of another fails. */
  readonly processes?: number;
  /** Processors' worth of time, such as 0.5 or 2; they are slowed down to it. */
  readonly cpus?: number;
}

export type LimitName = keyof Limits;

interface Kind {
  readonly controller: string;
  /** Files of the limit and what goes into them, by version of cgroups. */
  readonly files: (
    value: number,
    version: 1 | 2,
  ) => readonly (readonly [name: string, text: string])[];
  /** File and name of the counter that tells how often it was reached. */
  readonly reached: (version: 1 | 2) => readonly [name: string, counter: string];
}

const periodUs = 100_000;

export const kinds: Readonly<Record<LimitName, Kind>> = {
  memoryBytes: {
    controller: 'memory',
    files: (value, version) =>
      version === 2
        ? [
            ['memory.max', String(value)],
            ['memory.swap.max', '0'],
          ]
        : [
            ['memory.limit_in_bytes', String(value)],
            ['memory.memsw.limit_in_bytes', String(value)],
          ],
    reached: (version) => [version === 2 ? 'memory.events' : 'memory.oom_control', 'oom_kill'],
  },
  processes: {
    controller: 'pids',
    files: (value) => [['pids.max', String(value)]],
    reached: () => ['pids.events', 'max'],
  },
  cpus: {
    controller: 'cpu',
    files: (value, version) => {
      const quotaUs = String(Math.max(1000, Math.round(value * periodUs)));
      return version === 2
        ? [['cpu.max', `${quotaUs} ${periodUs}`]]
        : [
            ['cpu.cfs_period_us', String(periodUs)],
            ['cpu.cfs_quota_us', quotaUs],
          ];
    },
    reached: () => ['cpu.stat', 'nr_throttled'],
  },
};

export const limitNames = Object.keys(kinds) as LimitName[];

export const asked = (limits: Limits): LimitName[] =>
  limitNames.filter((name) => limits[name] !== undefined);

/** Files that not every system has: where there is no swap, there is none to be limited. */
const optional = ['memory.swap.max', 'memory.memsw.limit_in_bytes'];

/** Makes a cgroup and sets a limit in it. Throws the system's error. */
export function setLimit(name: LimitName, value: number, place: CgroupPlace, directory: string) {
  const { controller, files } = kinds[name];
  if (place.version === 2) {
    // What those below may have is said above them, level by level.
    mkdirSync(dirname(directory), { recursive: true });
    const above = [place.directory, dirname(directory)];
    for (const one of new Set(above)) giveController(one, controller);
  }
  mkdirSync(directory, { recursive: true });
  for (const [file, text] of files(value, place.version)) {
    try {
      writeFileSync(join(directory, file), text);
    } catch (error) {
      if (!optional.includes(file)) throw error;
    }
  }
}

/** How often a limit of a cgroup was reached. */
export function timesReached(name: LimitName, place: CgroupPlace, directory: string): number {
  const [file, counter] = kinds[name].reached(place.version);
  const found = new RegExp(`^${counter} (\\d+)$`, 'm').exec(
    readFileSync(join(directory, file), 'utf8'),
  );
  return Number(found?.[1] ?? 0);
}

/** Joins cgroups before anything of the program runs. Arguments: their directories, `--`, the program. */
const joinProgram = `
while [ "$1" != -- ]; do
  echo 0 >"$1/cgroup.procs" || exit 125
  shift
done
shift
exec "$@"
`;

export const joinArgv = (
  directories: readonly string[],
  argv: readonly string[],
): readonly [string, ...string[]] => [
  '/bin/sh',
  '-c',
  joinProgram,
  'orch-limits',
  ...directories,
  '--',
  ...argv,
];

/** The limits of one tree. */
export interface Limited {
  /** What to start in the place of `spec`, or why it cannot be started. */
  readonly wrap: (spec: LeaderSpec) => LeaderSpec | { readonly refused: string };
  /** Which of them were reached until now. Waits for room where no file can be opened. Rejects with the system's error. */
  readonly reached: () => Promise<LimitName[]>;
  release(): void;
}

/** Makes the cgroups that limit a tree. `places`: what was seen to work. Throws the system's error. */
export function createLimited(
  limits: Limits,
  places: ReadonlyMap<LimitName, CgroupPlace>,
  marker: string,
  tree: string,
): Limited {
  const made = asked(limits).map((name) => {
    const place = places.get(name);
    if (place === undefined) throw new Error(`There is no place for ${name}.`);
    const directory = join(cgroupOf(place.directory, marker), tree);
    setLimit(name, limits[name] ?? 0, place, directory);
    return { name, place, directory };
  });
  const directories = [...new Set(made.map(({ directory }) => directory))];
  return {
    wrap(spec) {
      const refused = obstacle(spec);
      if (refused !== undefined) return { refused };
      const { argv, env } = throughShell(spec);
      return { ...spec, env, argv: joinArgv(directories, argv) };
    },
    reached: () =>
      withRoom(() =>
        made
          .filter(({ name, place, directory }) => timesReached(name, place, directory) > 0)
          .map(({ name }) => name),
      ),
    release() {
      for (const directory of directories) removeCgroup(directory);
    },
  };
}

/** Removes what the limits of all trees of an owner left, wherever they can have been. */
export function removeLimits(marker: string): void {
  for (const name of limitNames) {
    const place = process.platform === 'linux' ? ownCgroupWith(kinds[name].controller) : undefined;
    if (place !== undefined) removeCgroup(cgroupOf(place.directory, marker));
  }
}
