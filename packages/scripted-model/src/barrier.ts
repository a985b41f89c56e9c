import { ScriptedModelError } from './errors.js';

/** Places where answers wait until enough distinct conversations are there at the same time. */
export interface Barriers {
  /**
   * Resolves when the barrier opens, at once if it has. Rejects when the signal aborts (the client
   * went away), and its place is free again. Throws SCRIPT_INVALID when an earlier arrival at that
   * name expected another number of parties.
   */
  pass(name: string, parties: number, conversation: string, signal: AbortSignal): Promise<void>;
  /** Forgets which barriers have opened. Who waits goes on waiting. */
  clear(): void;
}

interface Barrier {
  readonly parties: number;
  opened: boolean;
  /** Per conversation, one entry per request that waits: a retried request is no second party. */
  readonly waiting: Map<object, { conversation: string; release: () => void }>;
}

export function createBarriers(): Barriers {
  const barriers = new Map<string, Barrier>();

  return {
    pass(name, parties, conversation, signal) {
      const known = barriers.get(name);
      const barrier: Barrier = known ?? { parties, opened: false, waiting: new Map() };
      if (barrier.parties !== parties) throw mismatch(name, barrier.parties, parties);
      barriers.set(name, barrier);
      if (barrier.opened) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const place = {};
        const leave = () => {
          barrier.waiting.delete(place);
          reject(signal.reason as Error);
        };
        if (signal.aborted) {
          leave();
          return;
        }
        signal.addEventListener('abort', leave, { once: true });
        const release = () => {
          signal.removeEventListener('abort', leave);
          resolve();
        };
        barrier.waiting.set(place, { conversation, release });
        const present = new Set([...barrier.waiting.values()].map((party) => party.conversation));
        if (present.size < parties) return;
        barrier.opened = true;
        for (const party of barrier.waiting.values()) party.release();
        barrier.waiting.clear();
      });
    },
    clear() {
      for (const [name, barrier] of barriers) if (barrier.waiting.size === 0) barriers.delete(name);
    },
  };
}

function mismatch(name: string, expected: number, received: number): ScriptedModelError {
  return new ScriptedModelError(
    'ORCH_SCRIPTED_MODEL_SCRIPT_INVALID',
    `script: barrier ${JSON.stringify(name)}: expected ${expected} parties as its first arrival did, received ${received}; use another name`,
    { name, expected, received },
  );
}
