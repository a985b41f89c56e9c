/** A monotonic timer that can be put off, held and stopped. */
export interface Alarm {
  /** Counts from the beginning again, also after `hold`. */
  restart(): void;
  /** Does not ring until `restart`. */
  hold(): void;
  stop(): void;
}

const never: Alarm = { restart: () => undefined, hold: () => undefined, stop: () => undefined };

/** Calls `ring` once after `ms`; never when `ms` is undefined. */
export function createAlarm(ms: number | undefined, ring: () => void): Alarm {
  if (ms === undefined) return never;
  let held = false;
  let puttingOff = 0;
  const timer = setTimeout(() => {
    // After this process itself was stopped or busy, what should put the alarm off is still waiting to
    // be read: let one round of input pass before believing the clock.
    const before = puttingOff;
    setImmediate(() => {
      if (!held && before === puttingOff) ring();
    });
  }, ms);
  return {
    restart() {
      held = false;
      puttingOff += 1;
      timer.refresh();
    },
    hold() {
      held = true;
    },
    stop() {
      held = true;
      clearTimeout(timer);
    },
  };
}

/** True if `promise` settles within `ms`. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
