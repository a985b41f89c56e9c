/**
 * Node forks on the event loop, for longer the more memory this process has (about 80 us per MB), so a
 * burst of starts would stop everything else. At most one start happens per turn of the loop.
 */
const waiting: (() => void)[] = [];
let turnTaken = false;
let held = false;

function nextTurn(): void {
  if (held) return;
  const next = waiting.shift();
  if (next === undefined) {
    turnTaken = false;
    return;
  }
  setImmediate(nextTurn);
  next();
}

/** Resolves when this turn of the event loop is ours to start a process in. First come, first served. */
export function spawnTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (turnTaken) return;
    turnTaken = true;
    nextTurn();
  });
}

/** Whoever has the turn keeps it until `work` is done, so that nobody behind takes what it waits for. */
export async function keepTurn<T>(work: () => Promise<T>): Promise<T> {
  held = true;
  try {
    return await work();
  } finally {
    held = false;
    setImmediate(nextTurn);
  }
}

/** How many starts wait for their turn. */
export const spawnTurnsAwaited = (): number => waiting.length;

/** True while a start waits for room, and all others behind it. */
export const isTurnKept = (): boolean => held;
