/**
 * Hooks that cannot be bypassed: what runs is allowed, pinned and copied, and what fails blocks.
 *
 * ```ts
 * import { createHookEngine, loadHookTable, safePath } from '@orch/hooks';
 * import { createProcessOwner } from '@orch/process';
 *
 * const place = { project: '/repo/app', agentRoots: [], path: '/usr/bin:/bin' };
 * const guard = { matcher: 'Bash', hooks: [{ type: 'command', argv: ['/usr/local/bin/guard'] }] };
 * const layers = [{ tier: 'user', source: 'settings.yaml', hooks: { PreToolUse: [guard] } }] as const;
 * const table = await loadHookTable({ layers, place });
 * const owner = createProcessOwner({ marker: 'example-1' });
 * const engine = createHookEngine({ table, owner, ...place, environment: process.env });
 * const outcome = await engine.dispatch('PreToolUse', { tool_name: 'Bash', tool_input: { command: 'ls' } });
 * console.log(outcome.blocked, outcome.reason);
 * await engine.close();
 * await owner.close();
 * ```
 *
 * Guarantees: a hook runs by policy or by an approval of exactly its event, matcher, arguments and bytes; on an
 * event that can be blocked, a hook that gives no valid answer blocks; a hook that does not run is named in
 * every outcome that it would have been part of; no hook outlives its time, or its engine.
 *
 * It does not read settings files, ask people, or sandbox what it starts.
 *
 * @module
 */
export { createHookEngine, type EngineOptions, type HookEngine } from './engine.js';
export {
  loadHookTable,
  type HookPolicy,
  type HookTable,
  type LoadOptions,
  type RunnableHook,
} from './trust/load-table.js';
export {
  openApprovals,
  type Approval,
  type ApprovalStore,
  type Proposal,
  type StoredFile,
} from './trust/approval-store.js';
export { safePath, type Pinned, type PinnedFile, type PinPlace } from './trust/pin.js';
export type {
  HookEntry,
  HookLayer,
  RefusalReason,
  RefusedHook,
  Tier,
} from './table/read-layers.js';
export type {
  CommandSpec,
  FunctionSpec,
  HookSpec,
  HttpSpec,
  NoticeSpec,
  ShellSpec,
  WarmSpec,
} from './table/hook-spec.js';
export { eventFacts, eventNames } from './events/event.js';
export type { Block, ClaudeEvent, EventFacts } from './events/claude-events.js';
export type { OrchEvent } from './events/orch-events.js';
export type { Matcher } from './matcher/matcher.js';
export type { Answer, Decision } from './run/answer.js';
export type { Outcome } from './run/outcome.js';
export type { FailureKind, HookResult } from './run/result.js';
export { toClaudeOutput } from './claude/claude-output.js';
export { applyInstall, planInstall, type InstallPlan } from './claude/install.js';
export { writeTableSection } from './program/write-table.js';
export { appendToLog, readHookLog, type HookLogLine } from './hook-log.js';
export { HooksError, type HooksErrorCode } from './hooks-error.js';
export type { Json, JsonObject } from './json.js';
