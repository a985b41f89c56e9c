/**
 * One turn of a coding agent as typed events, whatever the agent.
 *
 * ```ts
 * import { createCommandDriver } from '@orch/agents';
 * import { createProcessOwner } from '@orch/process';
 *
 * const owner = createProcessOwner({ marker: 'example-1' });
 * const driver = createCommandDriver();
 * const command = { argv: ['echo', '{"ok":true}'] } as const;
 * const request = { cwd: '/', env: { PATH: '/bin:/usr/bin' }, command, output: 'json' } as const;
 * const turn = await driver.start(request, { owner });
 * for await (const event of turn.events) {
 *   if (event.kind === 'end') console.log(event.outcome, event.output); // completed { ok: true }
 * }
 * await owner.close();
 * ```
 *
 * Guarantees: every turn ends with exactly one `end` event, also when the agent cannot be started, hangs
 * after its answer, or is killed; an outcome is decided from fields and exit codes, never from prose; a
 * tool call that no rule allows is refused and reported once; nothing of the repository's settings acts
 * unless the request trusts it; given secrets stand in no event.
 *
 * It does not judge whether the work was done, keep events, retry, sandbox, or hold keys away from the agent.
 *
 * @module
 */
export { createClaudeDriver, type ClaudeDriverOptions } from './claude/driver.js';
export type { ClaudeTurnRequest } from './claude/request.js';
export { createCommandDriver } from './command/driver.js';
export type { CommandTurnRequest } from './command/request.js';
export { AgentsError, type AgentsErrorCode } from './agents-error.js';
export type {
  AgentDriver,
  Capabilities,
  Detection,
  Turn,
  TurnContext,
  TurnLimits,
  TurnRequest,
} from './driver.js';
export type {
  AgentEvent,
  Denial,
  Denied,
  EventOrigin,
  Notice,
  OutputWritten,
  Retrying,
  SessionStarted,
  TextWritten,
  ThinkingWritten,
  ToolCalled,
  ToolReturned,
  TurnEnded,
  TurnError,
  TurnErrorReason,
  TurnOutcome,
  Usage,
  UsageReported,
} from './event.js';
export type { Json, JsonObject } from './json.js';
