import type { Json, JsonObject } from '../json.js';

const initializeId = 'initialize';

/** The first line: asks to be called before each tool call, unless the repository is trusted. */
export function initializeLine(trusted: boolean): string {
  const hooks = { PreToolUse: [{ hookCallbackIds: ['before-tool'] }] };
  const request = { subtype: 'initialize', ...(trusted ? {} : { hooks }) };
  return toLine({ type: 'control_request', request_id: initializeId, request });
}

/** Whether a `control_response` answers the first line, and how. */
export function readInitialized(response: JsonObject): 'ready' | 'refused' | undefined {
  if (response['request_id'] !== initializeId) return undefined;
  return response['subtype'] === 'success' ? 'ready' : 'refused';
}

/** What the agent is to do. */
export function promptLine(prompt: string): string {
  return toLine({ type: 'user', message: { role: 'user', content: prompt } });
}

/** Asks the agent to stop what it does. */
export function interruptLine(): string {
  return toLine({
    type: 'control_request',
    request_id: 'cancel',
    request: { subtype: 'interrupt' },
  });
}

/** Answers a `can_use_tool` request with no. */
export function denyLine(requestId: Json, message: string): string {
  return answerLine(requestId, { behavior: 'deny', message, interrupt: false });
}

/** Answers a call before a tool call: refused for a reason, or left to the rules. */
export function beforeToolLine(requestId: Json, refusal: string | undefined): string {
  if (refusal === undefined) return answerLine(requestId, {});
  return answerLine(requestId, {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: 'deny',
      permissionDecisionReason: refusal,
    },
  });
}

/** Answers a request that is not served here. */
export function refuseLine(requestId: Json, subtype: string): string {
  const error = `${subtype} is not served here`;
  return toLine({
    type: 'control_response',
    response: { subtype: 'error', request_id: requestId, error },
  });
}

function answerLine(requestId: Json, response: JsonObject): string {
  return toLine({
    type: 'control_response',
    response: { subtype: 'success', request_id: requestId, response },
  });
}

function toLine(message: JsonObject): string {
  return `${JSON.stringify(message)}\n`;
}
