import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ownCgroupWith, type CgroupPlace } from './cgroup-place.js';
import { cgroupOf, removeCgroup } from './level.js';
import {
  asked,
  createLimited,
  joinArgv,
  kinds,
  limitNames,
  setLimit,
  timesReached,
  type Limited,
  type LimitName,
  type Limits,
} from './limits.js';
import { ProcessError } from './process-error.js';
import { runProbe } from './run-probe.js';

/** What was found out about one limit. */
export type LimitProbe =
  | { readonly limit: LimitName; readonly works: true; readonly place: CgroupPlace }
  | { readonly limit: LimitName; readonly works: false; readonly problem: string };

/** A limit and a program that reaches it. */
const trials: Readonly<Record<LimitName, readonly [value: number, script: string]>> = {
  memoryBytes: [16 * 1024 * 1024, 'head -c 64000000 /dev/zero | tail -c 64000000 | wc -c'],
  processes: [2, 'sleep 0 & sleep 0 & sleep 0 & wait'],
  cpus: [0.05, 'n=0; while [ $n -lt 100000 ]; do n=$((n + 1)); done'],
};

async function probeLimit(limit: LimitName): Promise<LimitProbe> {
  const fail = (problem: string): LimitProbe => ({ limit, works: false, problem });
  const { controller } = kinds[limit];
  if (process.platform !== 'linux') return fail(`there are no cgroups on ${process.platform}`);
  let top: string | undefined;
  try {
    const place = ownCgroupWith(controller);
    if (place === undefined)
      return fail(`no hierarchy of cgroups has the controller ${controller}`);
    top = cgroupOf(place.directory, `probe.${randomBytes(6).toString('hex')}`);
    const directory = join(top, 'limit');
    const [value, script] = trials[limit];
    setLimit(limit, value, place, directory);
    const { said } = await runProbe(joinArgv([directory], ['/bin/sh', '-c', script]));
    return timesReached(limit, place, directory) > 0
      ? { limit, works: true, place }
      : fail(`${directory} was not enforced: ${said}`);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  } finally {
    if (top !== undefined) removeCgroup(top);
  }
}

let probing: Promise<readonly LimitProbe[]> | undefined;

/**
 * Finds out which limits work here, by reaching each once; some 100 ms. The answer is kept for the life of
 * this process.
 */
export function probeLimits(): Promise<readonly LimitProbe[]> {
  probing ??= Promise.all(limitNames.map(probeLimit));
  return probing;
}

/** Limits a tree. Rejects with `ORCH_PROCESS_LIMIT` where one that is asked for cannot be had. */
export async function limitTree(limits: Limits, marker: string, tree: string): Promise<Limited> {
  const probes = await probeLimits();
  const places = new Map<LimitName, CgroupPlace>();
  for (const probe of probes) {
    if (probe.works) places.set(probe.limit, probe.place);
    else if (asked(limits).includes(probe.limit)) throw limitError(probe.limit, probe.problem);
  }
  try {
    return createLimited(limits, places, marker, tree);
  } catch (cause) {
    throw limitError(asked(limits).join(', '), String(cause), cause);
  }
}

function limitError(name: string, problem: string, cause?: unknown): ProcessError {
  return new ProcessError(
    'ORCH_PROCESS_LIMIT',
    `Nothing was started, because its ${name} cannot be limited here: ${problem}. Start it without, or from a cgroup of its own with that controller, as systemd-run --scope -p Delegate=yes makes (--user if not root).`,
    { details: { limit: name, problem }, cause },
  );
}
