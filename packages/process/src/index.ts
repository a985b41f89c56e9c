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
 * It does not sandbox, and at the level `process group` it cannot see a process that daemonised itself
 * *and* emptied its environment. It never uses a shell by itself.
 *
 * @module
 */
export {
  createProcessOwner,
  type Ledger,
  type OwnerOptions,
  type ProcessOwner,
} from './process-owner.js';
export { endLeftovers, type LeftoversOptions } from './leftovers.js';
export { identify, isAlive, type ProcessIdentity, type Survivor } from './identity.js';
export { ProcessError, type ProcessErrorCode } from './process-error.js';
export type { Captured } from './capture.js';
export type { Ended, EndReason, OwnedProcess } from './owned-process.js';
export type { ProcessSpec } from './process-spec.js';
