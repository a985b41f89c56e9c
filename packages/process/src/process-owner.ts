import { randomBytes } from 'node:crypto';
import { nothingCaptured } from './capture.js';
import { asSurvivors, requirePlatform, type ProcessIdentity, type Survivor } from './identity.js';
import type { Leader, LeaderSpec } from './leader.js';
import { removeLimits, type Limited } from './limits.js';
import { endInTurns } from './ending-pace.js';
import { createSemaphore } from './semaphore.js';
import { sleepOfGuard, startGuard, type Guard } from './guard.js';
import { createHeld, groupHold, type Hold, type Level } from './level.js';
import { checkMarker, markersOf } from './marker.js';
import { superviseLeader, type Ended, type OwnedProcess } from './owned-process.js';
import { limitTree } from './probe-limits.js';
import { ProcessError } from './process-error.js';
import { checkSpec, type CheckedSpec, type ProcessSpec } from './process-spec.js';
import { createReaper } from './reaper.js';
import { belongingRecord } from './record.js';
import { recordedLeader, throughShim } from './shim.js';
import { startLeader } from './spawn-helper.js';
import { startError } from './spawn.js';
import { roomWasMade } from './spawn-room.js';
import { ending, finder, table } from './system.js';
import type { Tree } from './tree.js';

/** Where the owner's processes are recorded, so that the next owner can end what a dead one left. */
export interface Ledger {
  /** `record`: the directory of its record, if it keeps one. */
  started(
    entry: ProcessIdentity & { readonly argv0: string; readonly record?: string },
  ): Promise<void>;
  ended(entry: ProcessIdentity): Promise<void>;
}

export interface OwnerOptions {
  /** Found in the environment of all its processes; unique among live owners. 1-200 of `A-Za-z0-9._:@-`. */
  readonly marker: string;
  readonly ledger?: Ledger;
  /** What holds its trees together, as `probeLevels` found it. Default: process groups, which always work. */
  readonly hold?: Hold;
}

/** Starts processes and answers for their ends. */
export interface ProcessOwner {
  /** Value of `ORCH_PROCESS_OWNER` in every process it starts. */
  readonly marker: string;
  /** What holds its trees together, for screens. */
  readonly level: Level;
  /**
   * Starts a program; resolves once the ledger has recorded it. Rejects with `ORCH_PROCESS_START`,
   * `_SPEC`, `_PLATFORM`, `_CANCELLED`, `_CLOSED`, `_LIMIT`, `_RECORD` or `_LEDGER`; then nothing of it runs.
   */
  start(spec: ProcessSpec): Promise<OwnedProcess>;
  /**
   * Starts a program, writes `input` to its stdin, and resolves with how it ended. An aborted signal is a
   * value (`reason: 'cancelled'`), also when it was aborted before the start. Else rejects as `start` and
   * `OwnedProcess.ended` do.
   */
  run(spec: ProcessSpec & { readonly input?: string }): Promise<Ended>;
  /** Live processes that carry the marker, or belong to a tree that it started. */
  left(): Promise<Survivor[]>;
  /**
   * Sends a signal to everything it started, as a terminal does to a group; whom that ends has `exited`.
   * To end what it started for certain, use `endAll`. See `forwardSignals`.
   */
  signal(name: NodeJS.Signals): void;
  /** Ends everything it started; resolves with what could not be ended, normally nothing. */
  endAll(): Promise<Survivor[]>;
  /** `endAll`, then lets the reaper go. Nothing can be started afterwards. */
  close(): Promise<Survivor[]>;
}

/** What has been begun takes memory, what waits for its turn hardly any. */
const startsAtOnce = 32;
const none: ReadonlySet<number> = new Set();
const ownerGraceMs = 2000;
/** A shim ends with its owner at once, guarded or not, but for a record that it has begun to write. */
const recordPatienceMs = 5000;

type Layer = (spec: LeaderSpec) => LeaderSpec | { readonly refused: string };

/** What to start in the place of `spec`, with each layer around those before. Throws `ORCH_PROCESS_START`. */
function wrapIn(spec: LeaderSpec, layers: readonly (Layer | undefined)[]): LeaderSpec {
  return layers.reduce<LeaderSpec>((inner, layer) => {
    const wrapped = layer?.(inner) ?? inner;
    if ('refused' in wrapped) throw startError(spec, wrapped.refused);
    return wrapped;
  }, spec);
}

/** Creates an owner. Throws `ORCH_PROCESS_SPEC` for an unusable marker, `ORCH_PROCESS_PLATFORM` on Windows. */
export function createProcessOwner(options: OwnerOptions): ProcessOwner {
  const { marker, ledger, hold = groupHold } = options;
  checkMarker(marker);
  requirePlatform();
  const nonce = randomBytes(6).toString('hex');
  const since = table.entry(process.pid)?.order ?? 0;
  const held = createHeld(hold, marker);
  const reaper = createReaper({ marker, since, graceMs: ownerGraceMs, cgroup: held.cgroup });
  const spared: ReadonlySet<number> = new Set([process.pid]);
  const running = new Map<OwnedProcess, Tree>();
  const starting = new Set<Promise<unknown>>();
  let count = 0;
  let closed = false;
  const starts = createSemaphore(startsAtOnce);
  let endingAll: Promise<Survivor[]> | undefined;

  function requireOpen(spec: CheckedSpec): void {
    if (closed) {
      throw new ProcessError(
        'ORCH_PROCESS_CLOSED',
        `${spec.argv[0]} was not started: the owner ${marker} is closed.`,
      );
    }
    if (spec.signal?.aborted === true) {
      throw new ProcessError(
        'ORCH_PROCESS_CANCELLED',
        `${spec.argv[0]} was not started: its signal was aborted before.`,
        {
          cause: spec.signal.reason,
        },
      );
    }
  }

  /** Everything of this owner, as far as it is known now. */
  function wholeTree(): Tree {
    const known = new Map([...running.values()].flatMap((tree) => [...tree.known]));
    return {
      known,
      justLeft: none,
      owner: marker,
      branch: `${marker}/`,
      since,
      spared,
      cgroup: held.cgroup,
      holders: new Set([...running.values()].flatMap((tree) => [...(tree.holders ?? [])])),
    };
  }

  function takeCharge(
    spec: CheckedSpec,
    wrapped: LeaderSpec,
    name: string,
    leader: Leader,
    limited: Limited | undefined,
  ) {
    const guards: Guard[] = [];
    const { identity, order } = leader;
    const tree: Tree = {
      known: new Map([[identity.pid, identity.startTime]]),
      justLeft: none,
      owner: undefined,
      branch: wrapped.branch,
      since: order,
      spared,
      cgroup: wrapped.cgroup,
      holders: hold.level === 'pid namespace' ? new Set([identity.pid]) : none,
    };
    reaper.started(identity, spec.record === undefined ? spec.guardMs : 0);
    const supervised = superviseLeader({
      leader,
      spec,
      tree,
      startedMs: performance.now(),
      limitsReached: limited?.reached,
      async onEnded() {
        running.delete(supervised.owned);
        roomWasMade();
        limited?.release();
        held.release(name);
        reaper.ended(identity);
        for (const guard of guards) await guard.dismiss();
        await ledger?.ended(identity);
      },
    });
    running.set(supervised.owned, tree);
    return { ...supervised, guards };
  }

  /** The program itself, or the shim that looks like it. */
  async function startRecorded(spec: CheckedSpec, wrapped: LeaderSpec): Promise<Leader> {
    const { record } = spec;
    if (record === undefined) return startLeader(wrapped);
    const belongings = belongingRecord(record.directory);
    let shim: Leader;
    try {
      shim = await startLeader({ ...wrapped, belongings });
    } catch (error) {
      belongings.drop();
      throw error;
    }
    return recordedLeader(shim, record, belongings.output());
  }

  async function startChecked(spec: CheckedSpec): Promise<OwnedProcess> {
    // Waits for an endAll() that began before, not for one that will wait for this start.
    await endingAll;
    await starts.acquire();
    try {
      requireOpen(spec);
      return await startNow(spec);
    } finally {
      starts.release();
    }
  }

  async function startNow(spec: CheckedSpec): Promise<OwnedProcess> {
    if (spec.guardMs !== undefined) sleepOfGuard();
    await reaper.ensure();
    count += 1;
    const name = `${nonce}.${count}`;
    const branch = `${marker}/${name}`;
    const env = Object.assign({}, spec.env, markersOf({ marker, branch }));
    const leaderSpec = { argv: spec.argv, cwd: spec.cwd, env, stdin: spec.stdin, branch };
    const { record, limits } = spec;
    const limited = limits === undefined ? undefined : await limitTree(limits, marker, name);
    let wrapped: LeaderSpec;
    let leader: Leader;
    try {
      wrapped = wrapIn(leaderSpec, [
        limited?.wrap,
        record === undefined ? undefined : (inner) => throughShim(inner, record),
        (inner) => held.wrap(inner, name, spec),
      ]);
      leader = await startRecorded(spec, wrapped);
    } catch (error) {
      limited?.release();
      throw error;
    }
    const { owned, begin, guards } = takeCharge(spec, wrapped, name, leader, limited);
    async function undo(): Promise<void> {
      begin();
      await owned.end().catch(() => undefined);
    }
    if (spec.guardMs !== undefined) {
      try {
        const patienceMs = record === undefined ? spec.guardMs : recordPatienceMs;
        guards.push(await startGuard(leader, patienceMs));
      } catch (error) {
        await undo();
        throw error;
      }
    }
    try {
      const kept = record === undefined ? {} : { record: record.directory };
      await ledger?.started({ ...owned.identity, argv0: spec.argv[0], ...kept });
    } catch (cause) {
      await undo();
      throw new ProcessError(
        'ORCH_PROCESS_LEDGER',
        `The start of ${spec.argv[0]} could not be recorded, so it was ended again. Repair the ledger.`,
        { cause },
      );
    }
    begin();
    return owned;
  }

  function start(spec: ProcessSpec, stdin = spec.stdin): Promise<OwnedProcess> {
    const started = (async () => startChecked(checkSpec(spec, stdin)))();
    starting.add(started);
    const done = (): void => void starting.delete(started);
    started.then(done, done);
    return started;
  }

  async function endEverything(): Promise<Survivor[]> {
    await Promise.allSettled(starting);
    const everything = wholeTree();
    await endInTurns([...running.keys()], (owned) => owned.end());
    return asSurvivors(await ending.end(everything, ownerGraceMs));
  }

  function endAll(): Promise<Survivor[]> {
    endingAll ??= endEverything().finally(() => {
      endingAll = undefined;
    });
    return endingAll;
  }

  return {
    marker,
    level: hold.level,
    start: (spec) => start(spec),
    async run(spec) {
      const { input } = spec;
      let owned: OwnedProcess;
      try {
        owned = await start(spec, input === undefined ? spec.stdin : 'pipe');
      } catch (error) {
        if (!ProcessError.isInstance(error) || error.code !== 'ORCH_PROCESS_CANCELLED') throw error;
        return {
          reason: 'cancelled',
          code: null,
          signal: null,
          durationMs: 0,
          stdout: nothingCaptured(spec.digest !== false),
          stderr: nothingCaptured(spec.digest !== false),
          survivors: [],
        };
      }
      if (input !== undefined) void owned.write(input);
      owned.closeStdin();
      return owned.ended;
    },
    left: async () => asSurvivors(await ending.members(wholeTree())),
    signal(name) {
      const tree = wholeTree();
      const isHolder = (pid: number): boolean => tree.holders?.has(pid) === true;
      const members = finder
        .look(tree)
        .members.filter((member) => !isHolder(member.pid))
        .map((member) => ({ ...member, wholeGroup: member.wholeGroup && !isHolder(member.group) }));
      ending.signal(members, name);
    },
    endAll,
    async close() {
      closed = true;
      const survivors = await endAll();
      await reaper.close();
      held.release();
      removeLimits(marker);
      return survivors;
    },
  };
}
