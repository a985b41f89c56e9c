/**
 * The hooks of one repository: what its settings say, what a person approved, and what ran.
 *
 * ```ts
 * const hooks = await openRepositoryHooks({ directory: process.cwd(), environment: process.env });
 * for (const { where, message } of hooks.table.refused) console.log(where, message);
 * ```
 *
 * @module
 */
export { openRepositoryHooks } from './repository-hooks.js';
export type { HooksOptions, RepositoryHooks } from './repository-hooks.js';
export { applyInstall, eventNames } from '@orch/hooks';
export type { HookLogLine, HookTable, JsonObject, Outcome, Proposal } from '@orch/hooks';
