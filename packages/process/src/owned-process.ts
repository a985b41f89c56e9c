import type { Readable } from 'node:stream';
import { createAlarm } from './alarm.js';
import type { Captured } from './capture.js';
import { deferred } from './deferred.js';
import { asSurvivors, type ProcessIdentity, type Survivor } from './identity.js';
import type { Exit, Leader } from './leader.js';
import { signalOfCode } from './level.js';
import { onAbort } from './on-abort.js';
import { createOutput } from './output.js';
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
   * Settles when the whole tree has ended and all output is handled. Rejects with `ORCH_PROCESS_HANDLER`
   * `ORCH_PROCESS_RECORD` or `ORCH_PROCESS_LEDGER`, whose `details.ended` has the value all the same.
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
  readonly limitsReached: (() => LimitName[]) | undefined;
  /** Called when the tree has ended. A rejection becomes the rejection of `ended`. */
  onEnded(): Promise<void>;
}

/** How long a line handler may still take once the process is being ended. */
const handlerPatienceMs = 5000;

export interface SupervisedLeader {
  readonly owned: OwnedProcess;
  /** Lets output flow; until then nothing is read, and `ended` waits. */
  readonly begin: () => void;
}

/** Takes charge of a started process; at once, because its output flows away when it exits. */
export function superviseLeader(started: StartedLeader): SupervisedLeader {
  const { leader, spec, tree } = started;
  const { identity, stdin, recording } = leader;
  // A shell tells a signal as a code; when we sent it, that is what it was.
  const isToldByShell = tree.holders?.has(identity.pid) === true || recording !== undefined;
  const { promise: stopped, resolve: stop } = deferred<EndReason>();
  const { promise: begun, resolve: begin } = deferred();
  const { promise: handlersLate, resolve: giveUpHandlers } = deferred();
  let handlerTimer: NodeJS.Timeout | undefined;
  let over = false;
  void stopped.then(() => {
    if (!over) handlerTimer = setTimeout(giveUpHandlers, handlerPatienceMs);
  });
  const exited = leader.exited.then((exit) => {
    stdin?.destroy();
    for (const [pid, startTime] of exit.look.seen) tree.known.set(pid, startTime);
    return exit;
  });
  let handlerError: { readonly error: unknown } | undefined;
  let held = 0;

  const wall = createAlarm(spec.wallMs, () => stop('timed_out'));
  const idle = createAlarm(spec.idleMs, () => stop('stalled'));
  const abort = (): void => stop('cancelled');
  const letGoOfSignal = spec.signal === undefined ? undefined : onAbort(spec.signal, abort);
  if (spec.signal?.aborted === true) abort(); // since it was last looked at
  void recording?.tooLarge.then(() => stop('output_limit'));

  function outputOf(
    stream: Readable,
    onLine: ((line: string) => void | Promise<void>) | undefined,
  ) {
    return createOutput(stream, {
      captureBytes: spec.captureBytes,
      maxLineBytes: spec.maxLineBytes,
      isFile: recording !== undefined,
      onLine,
      onActive: () => {
        if (held === 0) idle.restart();
      },
      onHeld: () => {
        held += 1;
        idle.hold();
      },
      onReleased: () => {
        held -= 1;
        if (held === 0) idle.restart();
      },
      onLongLine: () => stop('output_limit'),
      onHandlerError: (error) => {
        handlerError ??= { error };
        stop('cancelled');
      },
    });
  }
  const stdout = outputOf(leader.stdout, spec.onStdoutLine?.bind(spec));
  const stderr = outputOf(leader.stderr, spec.onStderrLine?.bind(spec));

  async function endTree(): Promise<{
    reason: EndReason;
    exit: Exit | undefined;
    survivors: Survivor[];
  }> {
    const first = await Promise.race([exited, stopped]);
    wall.stop();
    idle.stop();
    if (typeof first !== 'string') {
      await begun; // a quick process may be gone before the ledger has recorded it
      const proved = first.look.empty >= 1;
      if (proved) recording?.outputOver();
      await Promise.all([stdout.settles(spec.drainMs), stderr.settles(spec.drainMs)]);
      const survivors = proved ? [] : await ending.end(tree, spec.graceMs, first.look.empty);
      const reason = first.lost === true ? 'lost' : 'exited';
      return { reason, exit: first, survivors: asSurvivors(survivors) };
    }
    await recording?.stopping(first);
    const survivors = await ending.end(tree, spec.graceMs);
    const leaderLeft = survivors.some((member) => member.pid === identity.pid);
    if (leaderLeft) leader.letGo();
    return {
      reason: first,
      exit: leaderLeft ? undefined : await exited,
      survivors: asSurvivors(survivors),
    };
  }

  async function supervise(): Promise<Ended> {
    const { reason, exit, survivors } = await endTree();
    letGoOfSignal?.();
    await begun;
    recording?.outputOver();
    const durationMs = performance.now() - started.startedMs;
    const [out, error] = await Promise.all([
      stdout.finish(handlersLate),
      stderr.finish(handlersLate),
    ]);
    over = true;
    clearTimeout(handlerTimer);
    stdin?.destroy();
    const sent =
      isToldByShell && reason !== 'exited' ? signalOfCode(exit?.code ?? null) : undefined;
    const ended: Ended = {
      reason,
      code: sent === undefined ? (exit?.code ?? null) : null,
      signal: sent ?? exit?.signal ?? null,
      durationMs,
      stdout: out,
      stderr: error,
      ...(started.limitsReached === undefined ? {} : { limitsReached: started.limitsReached() }),
      survivors,
    };
    let recordError: unknown;
    await recording?.ended(ended).catch((error: unknown) => (recordError = error));
    try {
      await started.onEnded();
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
    if (handlerError !== undefined) {
      throw new ProcessError(
        'ORCH_PROCESS_HANDLER',
        `A line handler of process ${identity.pid} (${spec.argv[0]}) failed, so the process was ended. See the cause.`,
        { details: { ended }, cause: handlerError.error },
      );
    }
    return ended;
  }

  const ended = supervise();
  ended.catch(() => undefined); // whoever waits for it sees it; nobody may be there yet
  stdin?.on('error', () => undefined); // EPIPE is the answer `false` of write()

  const owned: OwnedProcess = {
    identity,
    ended,
    write(text) {
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
    },
    closeStdin() {
      stdin?.end();
    },
    end() {
      stop('cancelled');
      return ended;
    },
  };

  return {
    owned,
    begin() {
      stdout.begin();
      stderr.begin();
      begin();
    },
  };
}
