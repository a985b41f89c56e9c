import { hostname } from 'node:os';
import { identify, isAlive } from '@orch/process';
import type { Owners } from '@orch/coordinator';

/** This process as a leader, and the check whether another one still lives. */
export function localOwners(): Owners {
  const identity = identify(process.pid);
  if (!identity)
    throw new Error(
      `Process ${process.pid} cannot see itself in the process table. Is /proc mounted?`,
    );
  const host = hostname();
  return {
    self: { ...identity, host },
    // A leader on another host cannot be seen from here: it counts as alive until somebody says otherwise.
    isAlive: (owner) => owner.host !== host || isAlive(owner),
  };
}
