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
}

/** A live process of a tree. */
export interface Member extends Entry {
  /** True if its whole process group belongs to the tree, so that the group may be signalled at once. */
  readonly wholeGroup: boolean;
}

/** What was seen of a tree right after its leader's exit. */
export interface LookAtExit {
  /** How many looks showed nothing: 2 are a proof. */
  readonly empty: 0 | 1 | 2;
  /** What was seen alive, for `Tree.known`: later its session does not tell it any more. */
  readonly seen: readonly (readonly [pid: number, startTime: string])[];
}

export interface TreeFinder {
  /** The live processes of the tree. */
  find(tree: Tree): Member[];
  /**
   * Looks at the tree of `leader` in the very turn in which it was reaped, while its number cannot be
   * reused. `skip`: live processes known to be of other trees.
   */
  lookAtExit(tree: Tree, leader: number, ageMs: number, skip: ReadonlySet<number>): LookAtExit;
  /** True if an environment carries the tree's marker. */
  carries(tree: Pick<Tree, 'owner' | 'branch'>, environment: string): boolean;
}

/**
 * Tells which processes belong to a tree: by recorded identity, by marker in the environment, by being
 * in a session that one of them leads, and by being a child of one of them. A process that shares none of
 * these (it daemonised itself with an empty environment) is not seen.
 * Self-contained (no import, no outer name): its text also runs inside the reaper.
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

  /**
   * True if it is certain that nothing lives. Whatever a process starts gets a later number than its own,
   * so only the few numbers that were given out since are looked at.
   */
  function nothingLeft(tree: Tree, leader: number, skip: ReadonlySet<number>): boolean {
    let from = leader;
    for (let round = 0; round < 4; round += 1) {
      const to = table.newest();
      if (to === undefined || to < from) return false;
      // No number was given out since the last look, so what it found is all there is.
      if (to === from) return true;
      if (findAmong(tree, table.entriesBetween(from, to, skip)).length > 0) return false;
      from = to;
    }
    return false;
  }

  function lookAtExit(
    tree: Tree,
    leader: number,
    ageMs: number,
    skip: ReadonlySet<number>,
  ): LookAtExit {
    tree.justLeft.add(leader);
    // No machine gives out all of its process numbers (at least 32,768) in a second and begins again.
    const isProved = ageMs < 1000 && nothingLeft(tree, leader, skip);
    const found = isProved ? [] : findAmong(tree, table.entries());
    tree.justLeft.clear();
    const seen = found.map(({ pid, startTime }) => [pid, startTime] as const);
    return { empty: isProved ? 2 : found.length === 0 ? 1 : 0, seen };
  }

  function findAmong(tree: Tree, all: Map<number, Entry>): Member[] {
    const ours = new Map<number, Entry>();
    for (const entry of all.values()) {
      if (tree.spared.has(entry.pid)) continue;
      const known = tree.known.get(entry.pid) === entry.startTime;
      const marked =
        entry.alive && entry.order >= tree.since && carries(tree, table.environment(entry.pid));
      if (known || marked) ours.set(entry.pid, entry);
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
    return members;
  }

  return { find: (tree) => findAmong(tree, table.entries()), lookAtExit, carries };
}
