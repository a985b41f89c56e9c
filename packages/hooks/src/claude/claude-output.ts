import type { JsonObject } from '../json.js';
import type { Outcome } from '../run/outcome.js';

/**
 * An outcome as Claude Code reads it, for the answer to a hook callback. A block is said in the field of the
 * event that means it; where there is none, with `decision: block`.
 */
export function toClaudeOutput(outcome: Outcome): JsonObject {
  const {
    event,
    blocked,
    decision,
    reason = '',
    systemMessages,
    additionalContext,
    specific,
  } = outcome;
  const fields: Record<string, JsonObject[string]> = { ...specific };
  if (additionalContext.length > 0) fields['additionalContext'] = additionalContext.join('\n');
  if (event === 'PreToolUse' && decision !== undefined) {
    fields['permissionDecision'] = decision;
    if (reason !== '') fields['permissionDecisionReason'] = reason;
  }
  if (blocked && event === 'PermissionRequest')
    fields['decision'] = { behavior: 'deny', message: reason };
  if (blocked && (event === 'Elicitation' || event === 'ElicitationResult')) {
    fields['action'] = specific['action'] === 'cancel' ? 'cancel' : 'decline';
    delete fields['content'];
  }
  const saysBlock =
    blocked &&
    !['PreToolUse', 'PermissionRequest', 'Elicitation', 'ElicitationResult'].includes(event);
  const { stopReason } = outcome;
  return {
    ...(saysBlock ? { decision: 'block', reason } : {}),
    ...(outcome.continue
      ? {}
      : { continue: false, ...(stopReason === undefined ? {} : { stopReason }) }),
    ...(systemMessages.length === 0 ? {} : { systemMessage: systemMessages.join('\n') }),
    ...(Object.keys(fields).length === 0
      ? {}
      : { hookSpecificOutput: { hookEventName: event, ...fields } }),
  };
}
