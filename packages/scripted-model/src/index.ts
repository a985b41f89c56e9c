/**
 * @module
 * A model endpoint on loopback whose answers are scripted, so that real coding agents (Claude Code,
 * Codex, OpenCode, Gemini CLI) run offline: in tests, and in rehearsals of a plan.
 *
 * ```ts
 * const model = createScriptedModel();
 * const { url } = await model.listen(); // ANTHROPIC_BASE_URL, OpenAI base URL + '/v1', ...
 * const prompt = 'Say hello. <<<SCRIPT [{"text": "hello"}] SCRIPT>>>';
 * // ... run an agent with this prompt ...
 * model.requests[0]?.turn; // 0
 * await model.close();
 * ```
 *
 * Guarantees: which turn answers follows from the request alone, so retried, resumed and parallel
 * conversations get their own right turn; every request is logged before it is answered; no
 * credential is ever written down; it listens on 127.0.0.1 only.
 *
 * It does not: think, imitate prices or limits, authenticate anyone, or survive its own restart
 * (attempts are counted in memory).
 */
export { ScriptedModelError } from './errors.js';
export type { ScriptedModelErrorCode } from './errors.js';
export { createScriptedModel } from './scripted-model.js';
export type { ScriptedModel, ScriptedModelOptions } from './scripted-model.js';
export type { Hold, HoldRule } from './hold.js';
export type { LoggedRequest, OpenRequest, OtherRequest, Waiting } from './request-log.js';
export type { ConversationMessage, ConversationRequest, ToolCall } from './conversation.js';
export type { AuthKind } from './credentials.js';
export type { DialectName } from './dialects/dialect.js';
export type { Json, JsonObject } from './json.js';
export type {
  BarrierPoint,
  Block,
  CutFault,
  ErrorFault,
  Fault,
  Scenario,
  ScenarioFile,
  Script,
  StreamErrorFault,
  TextBlock,
  ThinkingBlock,
  ToolBlock,
  Turn,
  TurnDetails,
  Usage,
} from './turn.js';
