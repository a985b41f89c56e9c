import type { Readable } from 'node:stream';
import { createAlarm, type Alarm } from './alarm.js';
import type { Captured } from './capture.js';
import { deferred, type Deferred } from './deferred.js';
import { asSurvivors, type ProcessIdentity, type Survivor } from './identity.js';
import type { Exit, Leader } from './leader.js';
import { signalOfCode } from './level.js';
import { onAbort } from './on-abort.js';
import { createOutput, type Output, type OutputOptions, type OutputOwner } from './output.js';
import type { LimitName } from './limits.js';
import { ProcessError } from './process-error.js';
import type { CheckedSpec } from './process-spec.js';
import { ending } from './system.js';
import type { Tree } from './tree.js';

/**
 * Why a process ended. All but `exited` and `lost` were our doing. `lost`: whoever could have told how it
 * ended (the spawn helper, the shim of a process with a record) was killed, or its lease ran out; it was ended
 * with its tree.
 */
export type EndReason = 'exited' | 'timed_out' | 'stalled' | 'cancelled' | 'output_limit' | 'lost';

/** How a process, and all of its tree, ended. */
export interface Ended {
  readonly reason: EndReason;
  /** Of the started process itself; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** From start to the end of the whole tree, on the monotonic clock. */
  readonly durationMs: number;
  readonly stdout: Captured;
  readonly stderr: Captured;
  /** Which of the spec's `limits` were reached; absent where it has none. */
  readonly limitsReached?: readonly LimitName[];
  /** What could not be ended: normally nothing. */
  readonly survivors: readonly Survivor[];
}

/** A process that runs, or ran. */
export interface OwnedProcess {
  readonly identity: ProcessIdentity;
  /**
   * Writes to stdin. True once the system has taken it all; false when the process no longer reads
   * (it ended, or closed its stdin). Rejects with `ORCH_PROCESS_STDIN` if the spec did not ask for a pipe.
   */
  write(text: string): Promise<boolean>;
  closeStdin(): void;
  /**
   * Settles when the whole tree has ended and all output is handled. Rejects with `ORCH_PROCESS_HANDLER`,
   * `ORCH_PROCESS_RECORD`, `ORCH_PROCESS_LIMIT` or `ORCH_PROCESS_LEDGER`, whose `details.ended` has the value all
   * the same.
   */
  readonly ended: Promise<Ended>;
  /**
   * Ends the whole tree. The first reason stands. From here on, a line handler has 5 s to return (one that
   * itself waits for the end never would); then `ended` rejects with `ORCH_PROCESS_HANDLER`.
   */
  end(reason?: 'cancelled'): Promise<Ended>;
}

/** What the owner hands over when it has started a process. */
export interface StartedLeader {
  readonly leader: Leader;
  readonly spec: CheckedSpec;
  readonly tree: Tree;
  readonly startedMs: number;
  /** Which limits were reached until now; undefined where there are none. */
  readonly limitsReached: (() => Promise<LimitName[]>) | undefined;
  /** Called when the tree has ended. A rejection becomes the rejection of `ended`. */
  onEnded(): Promise<void>;
}

interface TreeEnd {
  readonly reason: EndReason;
  readonly exit: Exit | undefined;
  readonly survivors: readonly Survivor[];
}

/** How long a line handler may still take once the process is being ended. */
const handlerPatienceMs = 5000;

export interface SupervisedLeader {
  readonly owned: OwnedProcess;
  /** Lets output flow; until then nothing is read, and `ended` waits. */
  readonly begin: () => void;
}

const ignore = (): void => undefined;

/**
 * What runs beside a process for as long as it lives. A class, and with as few promises as can be: thousands
 * live at once.
 */
class Supervision implements OutputOwner {
  readonly ended: Promise<Ended>;
  readonly #started: StartedLeader;
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #wall: Alarm;
  readonly #idle: Alarm;
  /** The first of: how it exited, why it is to be ended. */
  #decide: (first: Exit | EndReason) => void = ignore;
  #stoppedMs: number | undefined;
  #isOver = false;
  #isBegun = false;
  #begun: Deferred<void> | undefined;
  #handlersLate: Deferred<void> | undefined;
  #handlerTimer: NodeJS.Timeout | undefined;
  #handlerError: { readonly error: unknown } | undefined;
  /** How many handlers take their time. */
  #held = 0;
  #letGoOfSignal: (() => void) | undefined;

  constructor(started: StartedLeader) {
    this.#started = started;
    const { leader, spec } = started;
    const decided = new Promise<Exit | EndReason>((resolve) => (this.#decide = resolve));
    leader.stdin?.on('error', ignore); // EPIPE is the answer `false` of write()
    void leader.exited.then((exit) => {
      leader.stdin?.destroy();
      for (const [pid, startTime] of exit.look.seen) started.tree.known.set(pid, startTime);
      this.#decide(exit);
    });
    this.#wall = createAlarm(spec.wallMs, () => this.stop('timed_out'));
    this.#idle = createAlarm(spec.idleMs, () => this.stop('stalled'));
    this.#stdout = this.#outputOf(leader.stdout, spec.onStdoutLine, spec.onLongStdoutLine);
    this.#stderr = this.#outputOf(leader.stderr, spec.onStderrLine, undefined);
    void leader.recording?.tooLarge.then(() => this.stop('output_limit'));
    if (spec.signal !== undefined) {
      const abort = (): void => this.stop('cancelled');
      this.#letGoOfSignal = onAbort(spec.signal, abort);
      if (spec.signal.aborted) abort(); // since it was last looked at
    }
    this.ended = decided.then((first) => this.#conclude(first));
    this.ended.catch(ignore); // whoever waits for it sees it; nobody may be there yet
  }

  #outputOf(
    stream: Readable,
    onLine: OutputOptions['onLine'],
    onLongLine: OutputOptions['onLongLine'],
  ): Output {
    const { spec, leader } = this.#started;
    const { captureBytes, digest, maxLineBytes } = spec;
    const isFile = leader.recording !== undefined;
    const bounds = { captureBytes, digest, maxLineBytes };
    const options = { ...bounds, isFile, onLine, onLongLine, owner: this };
    return createOutput(stream, options);
  }

  active(): void {
    if (this.#held === 0) this.#idle.restart();
  }

  held(): void {
    this.#held += 1;
    this.#idle.hold();
  }

  released(): void {
    this.#held -= 1;
    if (this.#held === 0) this.#idle.restart();
  }

  lineTooLong(): void {
    this.stop('output_limit');
  }

  handlerFailed(error: unknown): void {
    this.#handlerError ??= { error };
    this.stop('cancelled');
  }

  begin(): void {
    this.#stdout.begin();
    this.#stderr.begin();
    this.#isBegun = true;
    this.#begun?.resolve();
  }

  /** The first reason stands. */
  stop(reason: EndReason): void {
    if (this.#stoppedMs !== undefined) return;
    this.#stoppedMs = performance.now();
    this.#decide(reason);
    this.#loseHandlers();
  }

  /** Resolves when a handler that still works is to be left alone. */
  #whenHandlersLate(): Promise<void> {
    this.#handlersLate ??= deferred();
    this.#loseHandlers();
    return this.#handlersLate.promise;
  }

  /** Begins to lose patience, once it is both stopped and waiting for a handler. */
  #loseHandlers(): void {
    if (this.#stoppedMs === undefined || this.#handlersLate === undefined || this.#isOver) return;
    const leftMs = this.#stoppedMs + handlerPatienceMs - performance.now();
    this.#handlerTimer ??= setTimeout(this.#handlersLate.resolve, leftMs);
  }

  /** A quick process may be gone before the ledger has recorded it. */
  #whenBegun(): Promise<void> | undefined {
    if (this.#isBegun) return undefined;
    this.#begun ??= deferred();
    return this.#begun.promise;
  }

  /** Ends the tree of a leader that has exited, or that is to be ended. */
  async #endTree(first: Exit | EndReason): Promise<TreeEnd> {
    const { leader, spec, tree } = this.#started;
    const { recording, identity } = leader;
    this.#wall.stop();
    this.#idle.stop();
    if (typeof first !== 'string') {
      await this.#whenBegun();
      const proved = first.look.empty >= 1;
      if (proved) recording?.outputOver();
      const settled = [this.#stdout.settles(spec.drainMs), this.#stderr.settles(spec.drainMs)];
      for (const one of settled) await one;
      const certainty = first.look.empty;
      const survivors = proved ? [] : await ending.end(tree, spec.graceMs, { certainty });
      const reason = first.lost === true ? 'lost' : 'exited';
      return { reason, exit: first, survivors: asSurvivors(survivors) };
    }
    await recording?.stopping(first);
    const { pid } = identity;
    const survivors = await ending.end(tree, spec.graceMs, {
      leader: { pid, exited: leader.exited },
    });
    const leaderLeft = survivors.some((member) => member.pid === pid);
    if (leaderLeft) leader.letGo();
    return {
      reason: first,
      exit: leaderLeft ? undefined : await leader.exited,
      survivors: asSurvivors(survivors),
    };
  }

  async #conclude(first: Exit | EndReason): Promise<Ended> {
    const { leader, spec, tree, startedMs, limitsReached } = this.#started;
    const { identity, stdin, recording } = leader;
    const { reason, exit, survivors } = await this.#endTree(first);
    this.#letGoOfSignal?.();
    await this.#whenBegun();
    recording?.outputOver();
    const durationMs = performance.now() - startedMs;
    const giveUp = (): Promise<void> => this.#whenHandlersLate();
    const finishing = [this.#stdout.finish(giveUp), this.#stderr.finish(giveUp)] as const;
    const stdout = await finishing[0];
    const stderr = await finishing[1];
    this.#isOver = true;
    clearTimeout(this.#handlerTimer);
    stdin?.destroy();
    // A shell tells a signal as a code; when we sent it, that is what it was.
    const isToldByShell = tree.holders?.has(identity.pid) === true || recording !== undefined;
    const sent =
      isToldByShell && reason !== 'exited' ? signalOfCode(exit?.code ?? null) : undefined;
    let limitError: Error | undefined;
    let reached: LimitName[] | undefined;
    try {
      if (limitsReached !== undefined) reached = await limitsReached();
    } catch (error) {
      limitError = error instanceof Error ? error : new Error(String(error));
    }
    const ended: Ended = {
      reason,
      code: sent === undefined ? (exit?.code ?? null) : null,
      signal: sent ?? exit?.signal ?? null,
      durationMs,
      stdout,
      stderr,
      ...(reached === undefined ? {} : { limitsReached: reached }),
      survivors,
    };
    let recordError: unknown;
    await recording?.ended(ended).catch((error: unknown) => (recordError = error));
    try {
      await this.#started.onEnded();
    } catch (cause) {
      throw new ProcessError(
        'ORCH_PROCESS_LEDGER',
        `The end of process ${identity.pid} (${spec.argv[0]}) could not be recorded. It has ended; repair the ledger.`,
        { details: { ended, identity }, cause },
      );
    }
    if (recordError !== undefined) {
      throw new ProcessError(
        'ORCH_PROCESS_RECORD',
        `The end of process ${identity.pid} (${spec.argv[0]}) could not be written into its record. It has ended, as details.ended tells; see the cause.`,
        { details: { ended, identity }, cause: recordError },
      );
    }
    if (limitError !== undefined) {
      throw new ProcessError(
        'ORCH_PROCESS_LIMIT',
        `Nobody can say which limits process ${identity.pid} (${spec.argv[0]}) has reached (${limitError.message}). It has ended, as details.ended tells without them; keep more files free (ulimit -n).`,
        { details: { ended, identity }, cause: limitError },
      );
    }
    if (this.#handlerError !== undefined) {
      throw new ProcessError(
        'ORCH_PROCESS_HANDLER',
        `A line handler of process ${identity.pid} (${spec.argv[0]}) failed, so the process was ended. See the cause.`,
        { details: { ended }, cause: this.#handlerError.error },
      );
    }
    return ended;
  }

  write(text: string): Promise<boolean> {
    const { leader, spec } = this.#started;
    const { identity, stdin } = leader;
    if (stdin === null) {
      return Promise.reject(
        new ProcessError(
          'ORCH_PROCESS_STDIN',
          `Nothing can be written to process ${identity.pid} (${spec.argv[0]}): its stdin is closed. Start it with stdin: 'pipe'.`,
        ),
      );
    }
    if (!stdin.writable) return Promise.resolve(false);
    return new Promise((resolve) => {
      stdin.write(text, (error) => {
        resolve(error === null || error === undefined);
      });
    });
  }

  closeStdin(): void {
    this.#started.leader.stdin?.end();
  }
}

/** What of a supervised process its user sees. */
class Supervised implements OwnedProcess {
  readonly identity: ProcessIdentity;
  readonly ended: Promise<Ended>;
  readonly #supervision: Supervision;

  constructor(identity: ProcessIdentity, supervision: Supervision) {
    this.identity = identity;
    this.ended = supervision.ended;
    this.#supervision = supervision;
  }

  write(text: string): Promise<boolean> {
    return this.#supervision.write(text);
  }

  closeStdin(): void {
    this.#supervision.closeStdin();
  }

  end(): Promise<Ended> {
    this.#supervision.stop('cancelled');
    return this.ended;
  }
}

/** Takes charge of a started process; at once, because its output flows away when it exits. */
export function superviseLeader(started: StartedLeader): SupervisedLeader {
  const supervision = new Supervision(started);
  const owned = new Supervised(started.leader.identity, supervision);
  return { owned, begin: () => supervision.begin() };
}
