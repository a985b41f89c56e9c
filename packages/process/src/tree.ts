import type { Entry, ProcessTable } from './process-table.js';

/** What belongs together: everything started by one owner, or everything under one started process. */
export interface Tree {
  /** Every process ever recognised as part of it: pid → start time. Grows with each look. */
  readonly known: Map<number, string>;
  /** Sessions whose leader was reaped a moment ago, so that its number cannot be in use again yet. */
  readonly justLeft: ReadonlySet<number>;
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
   * How certain it is that there are none. 0: there are, or, without members, nothing could be seen. 1: it is
   * proved. Between: none was seen, but processes came and went meanwhile, so that one may have slipped through;
   * look again until the sum is 1.
   */
  readonly empty: number;
}

/** A leader that was reaped a moment ago, so that its number cannot be in use again yet. */
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
  /** The same for all that ask in this turn of the event loop, with one reading of the table. */
  lookSoon(tree: Tree): Promise<Look>;
  /**
   * Looks at the tree of a leader whose exit was just seen: at once when it was young, and else together with
   * others. `others`: live processes known to be of other trees.
   */
  lookAtExit(leader: EndedLeader, others: ReadonlySet<number>): LookAtExit | Promise<LookAtExit>;
}

/**
 * Tells which processes belong to a tree: by recorded identity, by marker in the environment, by being
 * in a session that one of them leads, and by being a child of one of them. A process that shares none of
 * these (it daemonised itself with an empty environment) is not seen.
 * Self-contained (no import, no outer name but Node's): its text also runs inside the reaper.
 */
export function createTreeFinder(table: ProcessTable): TreeFinder {
  /** What the environment of a process says of whom it belongs to. */
  interface Marks {
    readonly startTime: string;
    readonly owner: string;
    readonly branches: readonly string[];
  }

  /** Part of the table, and the ways through it. */
  interface Sight {
    readonly all: ReadonlyMap<number, Entry>;
    readonly marks: ReadonlyMap<number, Marks>;
    readonly byBranch: ReadonlyMap<string, readonly Entry[]>;
    readonly byParent: ReadonlyMap<number, readonly Entry[]>;
    readonly bySession: ReadonlyMap<number, readonly Entry[]>;
    readonly byGroup: ReadonlyMap<number, readonly Entry[]>;
  }

  function variable(environment: string, name: string): string {
    const isFirst = environment.startsWith(`${name}=`);
    const before = isFirst ? -1 : environment.indexOf(`\0${name}=`);
    if (!isFirst && before < 0) return '';
    const from = before + name.length + 2;
    const end = environment.indexOf('\0', from);
    return environment.slice(from, end < 0 ? undefined : end);
  }

  /** Of those that were once seen to carry a marker: theirs they stay, whatever their environment says later. */
  const remembered = new Map<number, Marks>();

  function marksOf({ startTime }: Entry, environment: string): Marks | undefined {
    // A piece of a text keeps all of it in memory, but for a copy.
    const copied = (name: string): string => Buffer.from(variable(environment, name)).toString();
    const owner = copied('ORCH_PROCESS_OWNER');
    const branches = copied('ORCH_PROCESS_TREE');
    if (owner === '' && branches === '') return undefined;
    return { startTime, owner, branches: branches.split(' ') };
  }

  function forgetAllBut(all: ReadonlyMap<number, Entry>): void {
    for (const pid of remembered.keys()) if (!all.has(pid)) remembered.delete(pid);
  }

  /** Still the process that the table showed, not another one under the same number. */
  function holds(entry: Entry): boolean {
    return table.entry(entry.pid)?.startTime === entry.startTime;
  }

  const never: ReadonlySet<number> = new Set();

  /** A thread of the kernel has no environment, ever. */
  const isKernels = (entry: Entry): boolean => entry.parent === 2 && entry.session === 0;

  function add<Key>(index: Map<Key, Entry[]>, key: Key, entry: Entry): void {
    const before = index.get(key);
    if (before === undefined) index.set(key, [entry]);
    else before.push(entry);
  }

  /** Name by name: an object that is spread and added to has a shape of its own, which takes longer to go. */
  const memberOf = (entry: Entry, wholeGroup: boolean): Member => ({
    pid: entry.pid,
    parent: entry.parent,
    group: entry.group,
    session: entry.session,
    startTime: entry.startTime,
    order: entry.order,
    name: entry.name,
    state: entry.state,
    alive: entry.alive,
    wholeGroup,
  });

  function createSight(all: ReadonlyMap<number, Entry>, marks: ReadonlyMap<number, Marks>): Sight {
    const byBranch = new Map<string, Entry[]>();
    const byParent = new Map<number, Entry[]>();
    const bySession = new Map<number, Entry[]>();
    const byGroup = new Map<number, Entry[]>();
    for (const entry of all.values()) {
      // A zombie vouches for the session that it led, until its parent looks.
      add(byParent, entry.parent, entry);
      if (!entry.alive) continue;
      for (const branch of marks.get(entry.pid)?.branches ?? []) add(byBranch, branch, entry);
      add(bySession, entry.session, entry);
      add(byGroup, entry.group, entry);
    }
    return { all, marks, byBranch, byParent, bySession, byGroup };
  }

  /** Those whose environment carries the marker of the tree. */
  function marked({ all, marks, byBranch }: Sight, { owner, branch }: Tree): readonly Entry[] {
    const isPrefix = branch.endsWith('/');
    if (owner === undefined && !isPrefix) return byBranch.get(branch) ?? [];
    const found: Entry[] = [];
    for (const [pid, mark] of marks) {
      const entry = all.get(pid);
      const carries =
        (owner !== undefined && mark.owner === owner) ||
        mark.branches.some((one) => (isPrefix ? one.startsWith(branch) : one === branch));
      if (carries && entry?.alive === true) found.push(entry);
    }
    return found;
  }

  /**
   * When numbers of a tree's processes were last seen in use, in ms. Each may have led a session since, and
   * have ended; within a second none is given to anybody else.
   */
  const lastSeen = new WeakMap<Tree, Map<number, number>>();
  const unusedMs = 1000;

  function* recentOf(tree: Tree): Iterable<number> {
    yield* tree.justLeft;
    const now = performance.now();
    const seen = lastSeen.get(tree) ?? [];
    for (const [pid, seenMs] of seen) if (now - seenMs < unusedMs) yield pid;
  }

  function membersAmong(tree: Tree, sight: Sight): Member[] {
    const ours = new Map<number, Entry>();
    const fresh: Entry[] = [];
    const join = (entry: Entry | undefined): void => {
      if (entry === undefined || ours.has(entry.pid) || tree.spared.has(entry.pid)) return;
      ours.set(entry.pid, entry);
      fresh.push(entry);
    };
    for (const [pid, startTime] of tree.known) {
      const entry = sight.all.get(pid);
      if (entry?.startTime === startTime) join(entry);
    }
    if (tree.cgroup !== undefined)
      for (const pid of table.cgroupMembers(tree.cgroup)) join(sight.all.get(pid));
    for (const entry of marked(sight, tree)) if (entry.order >= tree.since) join(entry);
    for (const session of recentOf(tree))
      for (const entry of sight.bySession.get(session) ?? []) join(entry);

    // Relatives of what is ours are ours. A zombie leader still vouches for its session's number.
    for (let entry = fresh.pop(); entry !== undefined; entry = fresh.pop()) {
      const { pid, session, order } = entry;
      const children = sight.byParent.get(pid)?.filter((one) => one.order >= order) ?? [];
      const vouches = session === pid || tree.known.has(session);
      const relatives = [...children, ...((vouches ? sight.bySession.get(session) : []) ?? [])];
      if (relatives.some((one) => !ours.has(one.pid)) && holds(entry)) relatives.forEach(join);
    }

    const members: Member[] = [];
    const seen = lastSeen.get(tree) ?? new Map<number, number>();
    lastSeen.set(tree, seen);
    for (const entry of ours.values()) {
      tree.known.set(entry.pid, entry.startTime);
      seen.set(entry.pid, performance.now());
      if (!entry.alive) continue;
      const group = sight.byGroup.get(entry.group) ?? [];
      const wholeGroup = entry.group > 1 && group.every((one) => ours.has(one.pid));
      members.push(memberOf(entry, wholeGroup));
    }
    return members;
  }

  /**
   * Looks at every process with a number above `from`, until it is certain that none was missed: whoever
   * starts another one is itself visible until the other one is, so when nothing that was listed vanished,
   * no number was given out during a round, and no environment was hidden, there was nothing else.
   */
  function lookAbove(trees: readonly Tree[], from: number, skip: ReadonlySet<number>): Look[] {
    const all = new Map<number, Entry>();
    const marks = new Map<number, Marks>();
    const since = Math.min(...trees.map((tree) => tree.since));
    const found = new Map<Tree, Member[]>();
    const missedBefore = table.missed();
    const looks = (empty: number): Look[] => {
      // Where no file could be opened, what was not seen may live all the same.
      const isBlind = table.missed() !== missedBefore;
      return trees.map((tree) => {
        const members = found.get(tree) ?? [];
        return { members, empty: members.length > 0 || isBlind ? 0 : empty };
      });
    };

    /** Those that may carry a marker: while a process becomes another program, its environment looks empty. */
    function readMarks(entries: readonly Entry[]): Entry[] {
      return entries.filter((entry) => {
        if (!entry.alive || entry.order < since) return false;
        const before = remembered.get(entry.pid);
        if (before?.startTime === entry.startTime) {
          marks.set(entry.pid, before);
          return false;
        }
        const environment = table.environment(entry.pid);
        const mark = marksOf(entry, environment);
        if (mark !== undefined) {
          marks.set(entry.pid, mark);
          // Only by a look at everything, which also forgets who is gone.
          if (from === 0) remembered.set(entry.pid, mark);
        }
        return environment === '' && !isKernels(entry) && table.isNewborn(entry);
      });
    }

    for (let round = 0; round < 8; round += 1) {
      const newest = table.newest();
      if (newest !== undefined && newest < from) return lookAbove(trees, 0, never);
      if (newest === from) return looks(1);
      const to = from > 0 && newest !== undefined ? newest : Infinity;
      const { entries, vanished } = table.list(from, to, (pid) => all.has(pid) || skip.has(pid));
      for (const entry of entries) all.set(entry.pid, entry);
      const hidden = readMarks(entries);
      if (from === 0 && round === 0) forgetAllBut(all);
      const unseen = trees.filter((tree) => (found.get(tree) ?? []).length === 0);
      // What is known already shows nothing else; only a cgroup may list others now.
      const isNews = round === 0 || entries.length > 0;
      const sought = isNews ? unseen : unseen.filter((tree) => tree.cgroup !== undefined);
      if (sought.length > 0) {
        const sight = createSight(all, marks);
        for (const tree of sought) found.set(tree, membersAmong(tree, sight));
      }
      if (trees.every((tree) => (found.get(tree) ?? []).length > 0)) return looks(0);
      if (newest === undefined) return looks(0.5);
      if (!vanished && hidden.length === 0 && table.newest() === newest) return looks(1);
      for (const { pid } of hidden) all.delete(pid);
    }
    return looks(0.05);
  }

  function lookAt(trees: readonly Tree[]): Look[] {
    const seen = lookAbove(trees, 0, never);
    return seen.map((look, index) => {
      const cgroup = trees[index]?.cgroup;
      if (cgroup === undefined || look.empty === 0) return look;
      return { members: [], empty: table.isPopulated(cgroup) ? 0 : 1 };
    });
  }

  const nothingSeen: Look = { members: [], empty: 0 };
  const look = (tree: Tree): Look => lookAt([tree])[0] ?? nothingSeen;

  let asked: { readonly tree: Tree; readonly answer: (look: Look) => void }[] = [];

  function answerAll(): void {
    const all = asked;
    asked = [];
    const looks = lookAt(all.map(({ tree }) => tree));
    for (const [index, { answer }] of all.entries()) answer(looks[index] ?? nothingSeen);
  }

  function lookSoon(tree: Tree): Promise<Look> {
    return new Promise((answer) => {
      asked.push({ tree, answer });
      if (asked.length === 1) setImmediate(answerAll);
    });
  }

  function lookAtExit(
    leader: EndedLeader,
    others: ReadonlySet<number>,
  ): LookAtExit | Promise<LookAtExit> {
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
    const told = ({ members, empty }: Look): LookAtExit => ({
      empty,
      seen: members.map((member) => [member.pid, member.startTime] as const),
    });
    return isYoung
      ? told(lookAbove([tree], pid, others)[0] ?? nothingSeen)
      : lookSoon(tree).then(told);
  }

  return { look, lookSoon, lookAtExit };
}
