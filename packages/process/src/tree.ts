import type { Entry, ProcessTable } from './process-table.js';

/** What belongs together: everything started by one owner, or everything under one started process. */
export interface Tree {
  /** Every process ever recognised as part of it: pid → start time. Grows with each look. */
  readonly known: Map<number, string>;
  /** Sessions whose leader was reaped a moment ago, so that its number cannot be in use again yet. */
  readonly justLeft: Set<number>;
  /** `ORCH_PROCESS_OWNER` to look for; undefined to go by `branch` alone. */
  readonly owner: string | undefined;
  /** Token of `ORCH_PROCESS_TREE` to look for; one that ends in `/` stands for all that begin so. */
  readonly branch: string;
  /** Nothing that started before this can belong to it. */
  readonly since: number;
  /** Never part of it, whatever they carry: pids. */
  readonly spared: ReadonlySet<number>;
  /** Directory of the cgroup that holds all of it. */
  readonly cgroup?: string | undefined;
  /** Leaders that only hold a PID namespace: to ask one to end would kill all within. */
  readonly holders?: ReadonlySet<number>;
}

/** A live process of a tree. */
export interface Member extends Entry {
  /** True if its whole process group belongs to the tree, so that the group may be signalled at once. */
  readonly wholeGroup: boolean;
}

/** What one look at the process table showed of a tree. */
export interface Look {
  readonly members: readonly Member[];
  /**
   * How certain it is that there are none. 0: there are. 1: it is proved. Between: none was seen, but
   * processes came and went meanwhile, so that one may have slipped through; look again until the sum is 1.
   */
  readonly empty: number;
}

/** A leader that was reaped in this very turn, so that its number cannot be reused yet. */
export interface EndedLeader {
  readonly pid: number;
  readonly startTime: string;
  readonly order: number;
  readonly ageMs: number;
  readonly branch: string;
  readonly cgroup: string | undefined;
}

/** What was seen of a tree right after its leader's exit. */
export interface LookAtExit {
  readonly empty: number;
  /** What was seen alive, for `Tree.known`: later its session does not tell it any more. */
  readonly seen: readonly (readonly [pid: number, startTime: string])[];
}

export interface TreeFinder {
  look(tree: Tree): Look;
  /** Looks at the tree of a leader in the turn of its exit. `others`: live processes known to be of other trees. */
  lookAtExit(leader: EndedLeader, others: ReadonlySet<number>): LookAtExit;
  /** True if an environment carries the tree's marker. */
  carries(tree: Pick<Tree, 'owner' | 'branch'>, environment: string): boolean;
}

/**
 * Tells which processes belong to a tree: by recorded identity, by marker in the environment, by being
 * in a session that one of them leads, and by being a child of one of them. A process that shares none of
 * these (it daemonised itself with an empty environment) is not seen.
 * Self-contained (no import, no outer name but Node's): its text also runs inside the reaper.
 */
export function createTreeFinder(table: ProcessTable): TreeFinder {
  function carries(tree: Pick<Tree, 'owner' | 'branch'>, environment: string): boolean {
    const text = `\0${environment}`;
    if (tree.owner !== undefined && text.includes(`\0ORCH_PROCESS_OWNER=${tree.owner}\0`))
      return true;
    const at = text.indexOf('\0ORCH_PROCESS_TREE=');
    if (at < 0) return false;
    const value = text.slice(at + '\0ORCH_PROCESS_TREE='.length).split('\0', 1)[0] ?? '';
    return value
      .split(' ')
      .some((token) =>
        tree.branch.endsWith('/') ? token.startsWith(tree.branch) : token === tree.branch,
      );
  }

  /** Still the process that the table showed, not another one under the same number. */
  function holds(entry: Entry): boolean {
    return table.entry(entry.pid)?.startTime === entry.startTime;
  }

  const never: ReadonlySet<number> = new Set();

  /** A thread of the kernel has no environment, ever. */
  const isKernels = (entry: Entry): boolean => entry.parent === 2 && entry.session === 0;

  /**
   * Looks at every process with a number above `from`, until it is certain that none was missed: whoever
   * starts another one is itself visible until the other one is, so when nothing that was listed vanished,
   * no number was given out during a round, and no environment was hidden, there was nothing else.
   */
  function lookAbove(tree: Tree, from: number, skip: ReadonlySet<number>): Look {
    const all = new Map<number, Entry>();
    const strangers = new Set<number>();
    for (let round = 0; round < 8; round += 1) {
      const newest = table.newest();
      if (newest !== undefined && newest < from) return lookAbove(tree, 0, never);
      if (newest === from) return { members: [], empty: 1 };
      const to = from > 0 && newest !== undefined ? newest : Infinity;
      const { entries, vanished } = table.list(from, to, (pid) => all.has(pid) || skip.has(pid));
      for (const entry of entries) all.set(entry.pid, entry);
      const { members, hidden } = membersAmong(tree, all, strangers);
      if (members.length > 0) return { members, empty: 0 };
      if (newest === undefined) return { members, empty: 0.5 };
      if (!vanished && hidden.length === 0 && table.newest() === newest)
        return { members, empty: 1 };
      for (const pid of hidden) all.delete(pid);
    }
    return { members: [], empty: 0.05 };
  }

  function look(tree: Tree): Look {
    const seen = lookAbove(tree, 0, never);
    if (tree.cgroup === undefined || seen.empty === 0) return seen;
    return { members: [], empty: table.isPopulated(tree.cgroup) ? 0 : 1 };
  }

  function lookAtExit(leader: EndedLeader, others: ReadonlySet<number>): LookAtExit {
    const { pid, startTime, order, ageMs, branch, cgroup } = leader;
    // Whatever a process starts gets a later number than its own, and no machine gives out all of its
    // numbers (at least 32,768) in a second and begins again: so only the few since are looked at.
    const isYoung = ageMs < 1000;
    if (isYoung && table.newest() === pid) return { empty: 1, seen: [] };
    if (cgroup !== undefined && !table.isPopulated(cgroup)) return { empty: 1, seen: [] };
    const tree: Tree = {
      known: new Map([[pid, startTime]]),
      justLeft: new Set([pid]),
      owner: undefined,
      branch,
      since: order,
      spared: new Set([process.pid]),
      cgroup,
    };
    const { members, empty } = isYoung ? lookAbove(tree, pid, others) : look(tree);
    return { empty, seen: members.map((member) => [member.pid, member.startTime] as const) };
  }

  /**
   * `strangers` gathers those that do not carry the marker, so that they are asked once. `hidden` are
   * those that may carry it: while a process becomes another program, its environment looks empty.
   */
  function membersAmong(
    tree: Tree,
    all: Map<number, Entry>,
    strangers: Set<number>,
  ): { members: Member[]; hidden: number[] } {
    const ours = new Map<number, Entry>();
    const hidden: number[] = [];
    const grouped = new Set(tree.cgroup === undefined ? [] : table.cgroupMembers(tree.cgroup));
    for (const entry of all.values()) {
      if (tree.spared.has(entry.pid)) continue;
      const known = tree.known.get(entry.pid) === entry.startTime;
      if (known || grouped.has(entry.pid)) ours.set(entry.pid, entry);
      else if (strangers.has(entry.pid) || !entry.alive || entry.order < tree.since) continue;
      else {
        const environment = table.environment(entry.pid);
        if (carries(tree, environment)) ours.set(entry.pid, entry);
        else if (environment === '' && !isKernels(entry) && table.isNewborn(entry))
          hidden.push(entry.pid);
        else strangers.add(entry.pid);
      }
    }

    // Relatives of what is ours are ours. A zombie leader still vouches for its session's number.
    for (let grew = true; grew;) {
      grew = false;
      const vouching = new Map<number, Entry>();
      for (const entry of ours.values()) {
        if (entry.session === entry.pid || tree.known.has(entry.session))
          vouching.set(entry.session, entry);
      }
      for (const entry of all.values()) {
        if (!entry.alive || ours.has(entry.pid) || tree.spared.has(entry.pid)) continue;
        const parent = ours.get(entry.parent);
        const relative =
          parent !== undefined && entry.order >= parent.order
            ? parent
            : vouching.get(entry.session);
        if (tree.justLeft.has(entry.session) || (relative !== undefined && holds(relative))) {
          ours.set(entry.pid, entry);
          grew = true;
        }
      }
    }

    const members: Member[] = [];
    const foreignGroups = new Set<number>();
    for (const entry of all.values()) {
      if (entry.alive && !ours.has(entry.pid)) foreignGroups.add(entry.group);
    }
    for (const entry of ours.values()) {
      tree.known.set(entry.pid, entry.startTime);
      if (entry.alive)
        members.push({ ...entry, wholeGroup: entry.group > 1 && !foreignGroups.has(entry.group) });
    }
    return { members, hidden: hidden.filter((pid) => !ours.has(pid)) };
  }

  return { look, lookAtExit, carries };
}
