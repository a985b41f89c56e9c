import { ProcessError } from './process-error.js';
import type { Entry } from './process-table.js';
import { table } from './system.js';

/** One process for ever: a process number alone is given to another process sooner or later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** As the system gives it: clock ticks since boot on Linux, a date on macOS. Compare for equality only. */
  readonly startTime: string;
  /** Identity of the machine's boot, and of the PID namespace if an owner made it. */
  readonly bootId: string;
}

/** A live process that should have ended, by name. */
export interface Survivor extends ProcessIdentity {
  /** Name of its program, as the system shows it (15 characters on Linux). */
  readonly name: string;
  /**
   * One letter as `ps` shows it; `D` waits for a device and cannot be ended by anyone. `?`: no file could be
   * opened for 10 s, so that it could not be looked at, and may live.
   */
  readonly state: string;
}

/** The identity of a live process of this machine, or undefined when there is none with this number. */
export function identify(pid: number): ProcessIdentity | undefined {
  const entry = Number.isSafeInteger(pid) && pid > 0 ? table.entry(pid) : undefined;
  if (entry?.alive !== true) return undefined;
  return { pid, startTime: entry.startTime, bootId: table.bootId() };
}

/**
 * True while exactly this process runs: not another one with its number, not one of an earlier boot. One in
 * a PID namespace that an owner made cannot be seen from another: from outside it counts as alive as long as
 * anything in its namespace, and from within, all that is outside counts as alive. While no file can be opened,
 * whoever has its number counts as alive.
 */
export function isAlive(identity: ProcessIdentity): boolean {
  const [boot, namespace = ''] = identity.bootId.split('/');
  const [ourBoot, ourNamespace = ''] = table.bootId().split('/');
  if (boot !== ourBoot) return false;
  if (namespace !== ourNamespace) return table.mayHave(namespace);
  const missed = table.missed();
  const found = identify(identity.pid);
  if (found === undefined && table.missed() !== missed) return table.isInUse(identity.pid);
  return found?.startTime === identity.startTime;
}

export function asSurvivors(members: readonly Entry[]): Survivor[] {
  const bootId = table.bootId();
  return members.map(({ pid, startTime, name, state }) => ({
    pid,
    startTime,
    bootId,
    name,
    state,
  }));
}

/** Throws `ORCH_PROCESS_PLATFORM` where this package cannot tell processes apart. */
export function requirePlatform(): void {
  if (process.platform !== 'linux' && process.platform !== 'darwin') {
    throw new ProcessError(
      'ORCH_PROCESS_PLATFORM',
      `Processes cannot be owned on ${process.platform}: expected linux or darwin. On Windows, run it inside WSL.`,
      { details: { platform: process.platform } },
    );
  }
  if (identify(process.pid) === undefined) {
    throw new ProcessError(
      'ORCH_PROCESS_PLATFORM',
      process.platform === 'linux'
        ? 'The process table cannot be read: /proc has no entry for this process. Mount it (mount -t proc proc /proc).'
        : 'The process table cannot be read: ps shows no line for this process. Check that /bin/ps can be run.',
      { details: { platform: process.platform } },
    );
  }
}
