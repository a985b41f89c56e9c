import type { Entry, ProcessTable } from './process-table.js';
import type { Look, Member, Tree, TreeFinder } from './tree.js';

/** What ending needs of Node; handed in, because the reaper runs the same code. */
export interface EndingSystem {
  /** Throws when the signal cannot be delivered. A negative number stands for a group. */
  kill(pid: number, signal: string): void;
  sleep(ms: number): Promise<void>;
  /** Monotonic. */
  nowMs(): number;
}

/** What is known of a tree besides what a look shows. */
export interface EndHints {
  /** What a look just before said, see `Look.empty`. */
  readonly certainty?: number;
  /** Its exit brings a look of its own: while it is all that is left, nobody needs to look out for it. */
  readonly leader?: {
    readonly pid: number;
    readonly exited: Promise<{ readonly look: { readonly empty: number } }>;
  };
}

export interface Ending {
  /**
   * Ends all of a tree: TERM and CONT, up to `graceMs` of patience, then KILL until a look proves that
   * there is nothing. Resolves with what could not be ended within 2 s of KILL, normally nothing. As long as
   * nothing can be seen it looks again, for 10 s, and then names what may live: with state `?`, and no name.
   */
  end(tree: Tree, graceMs: number, hints?: EndHints): Promise<Member[]>;
  /** The live processes of a tree. As long as nothing can be seen it looks again, as `end` does. */
  members(tree: Tree): Promise<readonly Member[]>;
  /** Signals processes, or their groups, each after checking that it is still the same. */
  signal(members: readonly Member[], signal: string): void;
}

/**
 * Ends trees of processes.
 * Self-contained (no import, no outer name): its text also runs inside the reaper.
 */
export function createEnding(
  table: ProcessTable,
  finder: TreeFinder,
  system: EndingSystem,
): Ending {
  const patienceMs = 2000;
  const blindPatienceMs = 10_000;
  const blindPauseMs = 10;

  /** No member, and no certainty that there is none. */
  const sawNothing = ({ members, empty }: Look): boolean => empty === 0 && members.length === 0;

  /** What may live of a tree that could not be looked at: whose numbers are in use, or else all that was known of it. */
  function unseen(tree: Tree): Member[] {
    const known = [...tree.known].filter(([pid]) => !tree.spared.has(pid));
    const inUse = known.filter(([pid]) => table.isInUse(pid));
    return (inUse.length > 0 ? inUse : known).map(([pid, startTime]) => ({
      pid,
      parent: 0,
      group: 0,
      session: 0,
      startTime,
      order: 0,
      name: '',
      state: '?',
      alive: true,
      wholeGroup: false,
    }));
  }

  function same(member: Entry): boolean {
    const now = table.entry(member.pid);
    return now !== undefined && now.startTime === member.startTime && now.group === member.group;
  }

  function send(pid: number, signal: string): void {
    try {
      system.kill(pid, signal);
    } catch {
      // Gone, or not ours to signal: the next look tells, and a survivor is reported.
    }
  }

  /** Those that it reached: one that has just left its group is left for the next look. */
  function signalAll(members: readonly Member[], signal: string): Member[] {
    const done = new Set<number>();
    return members.filter((member) => {
      if (!same(member)) return false;
      if (member.wholeGroup && done.has(member.group)) return true;
      if (member.wholeGroup) done.add(member.group);
      send(member.wholeGroup ? -member.group : member.pid, signal);
      return true;
    });
  }

  interface Pause {
    readonly beganMs: number;
    readonly over: Promise<void>;
  }
  const pauses = new Map<number, Pause>();

  /** Those that end together wait together: for thousands, a timer each is what ending costs most. */
  function pause(ms: number): Promise<void> {
    const wholeMs = Math.ceil(ms);
    const nowMs = system.nowMs();
    const begun = pauses.get(wholeMs);
    if (begun !== undefined && nowMs - begun.beganMs < 1) return begun.over;
    const fresh: Pause = { beganMs: nowMs, over: system.sleep(wholeMs) };
    pauses.set(wholeMs, fresh);
    void fresh.over.then(() => {
      if (pauses.get(wholeMs) === fresh) pauses.delete(wholeMs);
    });
    return fresh.over;
  }

  const isGone = (member: Member): boolean => {
    const now = table.entry(member.pid);
    return now?.startTime !== member.startTime || !now.alive;
  };

  /** Waits for up to 100 ms. Resolves with how certain it is now that nothing is left, see `Look.empty`. */
  async function untilGone(
    members: readonly Member[],
    endMs: number,
    leader: EndHints['leader'],
  ): Promise<number> {
    const deadline = Math.min(endMs, system.nowMs() + 100);
    if (leader !== undefined && members.length === 1 && members[0]?.pid === leader.pid) {
      const exit = await Promise.race([leader.exited, pause(deadline - system.nowMs())]);
      return exit?.look.empty ?? 0;
    }
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
      const leftMs = deadline - system.nowMs();
      if (leftMs <= 0 || members.every(isGone)) return 0;
      await pause(Math.min(pauseMs, leftMs));
    }
  }

  return {
    signal: signalAll,
    async members(tree) {
      const blindEnd = system.nowMs() + blindPatienceMs;
      for (;;) {
        const missed = table.missed();
        const { members } = finder.look(tree);
        // Some may have been seen, and others not.
        if (table.missed() === missed) return members;
        if (system.nowMs() > blindEnd) return members.length > 0 ? members : unseen(tree);
        await pause(blindPauseMs);
      }
    },
    async end(tree, graceMs, hints = {}) {
      const { leader } = hints;
      let certainty = hints.certainty ?? 0;
      const asked = new Map<number, string>();
      const wasAsked = (member: Member) => asked.get(member.pid) === member.startTime;
      const graceEnd = system.nowMs() + graceMs;
      while (system.nowMs() < graceEnd && certainty < 1) {
        const look = await finder.lookSoon(tree);
        const { members, empty } = look;
        certainty = empty === 0 ? 0 : certainty + empty;
        if (sawNothing(look)) {
          await pause(Math.min(blindPauseMs, graceEnd - system.nowMs()));
          continue;
        }
        // What appears meanwhile (a clean-up that a TERM handler starts) is asked as well.
        const askedGroups = new Set(members.filter(wasAsked).map((member) => member.group));
        const fresh = members
          .filter((member) => !wasAsked(member) && tree.holders?.has(member.pid) !== true)
          // Asked twice, some programs skip their clean-up: the group only while nobody in it was asked.
          .map((member) => ({
            ...member,
            wholeGroup:
              member.wholeGroup &&
              !askedGroups.has(member.group) &&
              tree.holders?.has(member.group) !== true,
          }));
        const reached = signalAll(fresh, 'SIGTERM');
        for (const member of reached) asked.set(member.pid, member.startTime);
        // A stopped process handles TERM only once it is continued.
        signalAll(reached, 'SIGCONT');
        if (empty === 0) certainty = await untilGone(members, graceEnd, leader);
        else if (certainty < 1) await pause(10);
      }
      const blindEnd = system.nowMs() + blindPatienceMs;
      let killEnd = system.nowMs() + patienceMs;
      while (certainty < 1) {
        const look = await finder.lookSoon(tree);
        const { members, empty } = look;
        certainty = empty === 0 ? 0 : certainty + empty;
        if (empty === 0 && tree.cgroup !== undefined) table.killCgroup(tree.cgroup);
        if (sawNothing(look)) {
          if (system.nowMs() > blindEnd) return unseen(tree);
          await pause(blindPauseMs);
          // What could not be seen could not be killed either.
          killEnd = Math.max(killEnd, Math.min(blindEnd, system.nowMs() + patienceMs));
          continue;
        }
        if (empty === 0 && system.nowMs() > killEnd) return [...members];
        signalAll(members, 'SIGKILL');
        if (empty === 0) certainty = await untilGone(members, killEnd, leader);
        else if (certainty < 1) await pause(10);
      }
      return [];
    },
  };
}
