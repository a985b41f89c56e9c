/**
 * Start, own and surely end a tree of processes.
 *
 * ```ts
 * const owner = createProcessOwner({ marker: 'example-1' });
 * const ended = await owner.run({ argv: ['sh', '-c', 'echo done'], cwd: '/', env: { PATH: '/bin:/usr/bin' } });
 * console.log(ended.reason, ended.code, ended.stdout.text); // exited 0 done
 * await owner.close(); // [] : nothing is left
 * ```
 *
 * Guarantees: a process ends with its whole tree, by its own exit, a limit, a signal or the death of its
 * owner; nothing is signalled whose start time is not the recorded one; what cannot be ended is named.
 *
 * It does not sandbox. What holds a tree together is the `hold` of its owner (`probeLevels` says what works
 * here); at the default, `process group`, a process that daemonised itself *and* emptied its environment is
 * not seen. It never gives what you start to a shell.
 *
 * @module
 */
export {
  createProcessOwner,
  type Ledger,
  type OwnerOptions,
  type ProcessOwner,
} from './process-owner.js';
export { probeLevels, type Levels, type Probe } from './probe-levels.js';
export { probeLimits, type LimitProbe } from './probe-limits.js';
export type { LimitName, Limits } from './limits.js';
export type { CgroupPlace } from './cgroup-place.js';
export type { Hold, Level } from './level.js';
export { endLeftovers, type LeftoversOptions } from './leftovers.js';
export { ancestry, type Ancestor } from './ancestry.js';
export { identify, isAlive, type ProcessIdentity, type Survivor } from './identity.js';
export { ProcessError, type ProcessErrorCode } from './process-error.js';
export type { Captured } from './capture.js';
export type { Ended, EndReason, OwnedProcess } from './owned-process.js';
export type { ProcessSpec } from './process-spec.js';
export { forwardSignals, type ForwardOptions } from './forward-signals.js';
export { replayRecord, type ReplayOptions } from './replay.js';
export { readRecord, type ProcessRecord, type RecordedEnd, type RecordOptions } from './record.js';
