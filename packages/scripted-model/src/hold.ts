import { ScriptedModelError } from './errors.js';
import type { LoggedRequest } from './request-log.js';

/** Which answers a hold withholds, and when it has seen enough. */
export interface HoldRule {
  /** That many must be open at the same time. */
  readonly requests: number;
  /** What is counted: conversations, so that a retry of one is not a second. */
  readonly distinct: 'conversation';
  /** Only these requests; default: every one that arrives from now on. */
  readonly when?: (request: LoggedRequest) => boolean;
}

/** Answers withheld by the test until it says so. */
export interface Hold {
  /**
   * Resolves when that many distinct conversations have a request open at the same time; rejects
   * with CLOSED when the model is closed before. Nothing is answered until `release()`.
   */
  readonly reached: Promise<void>;
  /** The conversations that are held now. */
  readonly waiting: readonly string[];
  /** Answers what is held, and holds no more. */
  release(): void;
}

/** The holds of a model. */
export interface Holds {
  add(rule: HoldRule): Hold;
  /** Whether a hold stands that takes this request. */
  takes(request: LoggedRequest): boolean;
  /** Resolves when no hold stands that takes this request; rejects when the signal aborts. */
  pass(request: LoggedRequest, signal: AbortSignal): Promise<void>;
  close(): void;
}

interface StandingHold {
  readonly rule: HoldRule;
  readonly held: Set<LoggedRequest>;
  readonly released: Promise<void>;
  readonly reach: () => void;
  readonly close: () => void;
}

export function createHolds(): Holds {
  const standing = new Set<StandingHold>();
  const takenBy = (request: LoggedRequest) =>
    [...standing].filter(({ rule }) => rule.when?.(request) ?? true);

  return {
    takes: (request) => takenBy(request).length > 0,
    add(rule) {
      let reach = () => {};
      let fail: (error: Error) => void = () => {};
      let open = () => {};
      const reached = new Promise<void>((resolve, reject) => {
        reach = resolve;
        fail = reject;
      });
      // Nobody has to await it: closing with an unreached hold is no unhandled rejection.
      reached.catch(() => {});
      const hold: StandingHold = {
        rule,
        held: new Set(),
        released: new Promise((resolve) => {
          open = resolve;
        }),
        reach,
        close: () => fail(closed(hold)),
      };
      standing.add(hold);
      return {
        reached,
        get waiting() {
          return conversationsOf(hold);
        },
        release() {
          standing.delete(hold);
          open();
        },
      };
    },
    async pass(request, signal) {
      for (const hold of takenBy(request)) {
        hold.held.add(request);
        try {
          if (conversationsOf(hold).length >= hold.rule.requests) hold.reach();
          await abortable(hold.released, signal);
        } finally {
          hold.held.delete(request);
        }
      }
    },
    close() {
      for (const hold of standing) hold.close();
      standing.clear();
    },
  };
}

function conversationsOf(hold: StandingHold): readonly string[] {
  return [...new Set([...hold.held].map(({ conversation }) => conversation))];
}

function closed({ rule, held }: StandingHold): ScriptedModelError {
  return new ScriptedModelError(
    'ORCH_SCRIPTED_MODEL_CLOSED',
    `the scripted model was closed while a hold waited: expected ${rule.requests} open conversations, saw ${held.size} requests`,
    { expected: rule.requests, held: held.size },
  );
}

/** The promise, or a rejection as soon as the signal aborts. */
function abortable(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener('abort', stop, { once: true });
    void promise.then(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
  });
}
