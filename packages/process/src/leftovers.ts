import { asSurvivors, requirePlatform, type ProcessIdentity, type Survivor } from './identity.js';
import { cgroupOf, groupHold, removeCgroup, type Hold } from './level.js';
import { removeLimits } from './limits.js';
import { checkMarker } from './marker.js';
import { ending, table } from './system.js';
import type { Tree } from './tree.js';

export interface LeftoversOptions {
  /** Marker of the owner that died. */
  readonly marker: string;
  /** What its ledger says was running. Entries of another boot, or whose number is reused, are ignored. */
  readonly identities?: readonly ProcessIdentity[];
  /** Never ended, with everything under them. */
  readonly except?: readonly ProcessIdentity[];
  /** What held the dead owner's trees together, if it is known. */
  readonly hold?: Hold;
  /** From TERM to KILL. Default 2000. */
  readonly graceMs?: number;
}

function treeOf(
  marker: string | undefined,
  branch: string,
  roots: readonly ProcessIdentity[],
  spared: ReadonlySet<number>,
): Tree {
  const known = new Map(
    roots
      .filter((root) => root.bootId === table.bootId())
      .map((root) => [root.pid, root.startTime] as const),
  );
  return { known, justLeft: new Set(), owner: marker, branch, since: 0, spared };
}

/** This process and those above it: to end them would end the ending. */
function selfAndAncestors(): Set<number> {
  const pids = new Set<number>();
  for (let pid = process.pid; pid > 1 && !pids.has(pid); pid = table.entry(pid)?.parent ?? 0)
    pids.add(pid);
  return pids;
}

/** The last of a process's branches is its own; those before are of the owners around it. */
function branchOf(identity: ProcessIdentity): string {
  const value =
    /(?:^|\0)ORCH_PROCESS_TREE=([^\0]*)/.exec(table.environment(identity.pid))?.[1] ?? '';
  return value.split(' ').at(-1) ?? '';
}

/**
 * Ends what a dead owner left, by recorded identity and by marker. The owner itself must be dead: one that
 * lives would lose its processes. `ended` counts the processes found and ended.
 */
export async function endLeftovers(
  options: LeftoversOptions,
): Promise<{ ended: number; survivors: Survivor[] }> {
  const { marker, identities = [], except = [], graceMs = 2000, hold = groupHold } = options;
  checkMarker(marker);
  requirePlatform();
  const spared = selfAndAncestors();
  for (const identity of except) {
    const tree = treeOf(undefined, branchOf(identity), [identity], new Set());
    for (const member of await ending.members(tree)) spared.add(member.pid);
  }
  const cgroup = hold.level === 'cgroup' ? cgroupOf(hold.directory, marker) : undefined;
  const tree = { ...treeOf(marker, `${marker}/`, identities, spared), cgroup };
  const found = await ending.members(tree);
  const goneBefore = tree.known.size - found.length;
  const survivors = await ending.end(tree, graceMs);
  if (cgroup !== undefined) removeCgroup(cgroup);
  removeLimits(marker);
  return {
    ended: tree.known.size - goneBefore - survivors.length,
    survivors: asSurvivors(survivors),
  };
}
