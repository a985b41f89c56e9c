import type { TurnErrorReason } from '../event.js';
import { asNumber, asString, type JsonObject } from '../json.js';

/** What the stream said, besides its result, about why the model did not answer. */
export interface FailureSigns {
  /** `error` of the last message that the program wrote in the model's place. */
  readonly category: string | undefined;
  /** The model refused to answer. */
  readonly refused: boolean;
}

const ofCategory: Readonly<Record<string, TurnErrorReason>> = {
  authentication_failed: 'authentication',
  oauth_org_not_allowed: 'authentication',
  billing_error: 'billing',
  rate_limit: 'rate_limit',
  overloaded: 'overloaded',
  invalid_request: 'invalid_request',
  model_not_found: 'model_not_found',
  max_output_tokens: 'max_output_tokens',
};

function ofStatus(status: number): TurnErrorReason {
  switch (status) {
    case 401:
    case 403:
      return 'authentication';
    case 402:
      return 'billing';
    case 404:
      return 'model_not_found';
    case 429:
      return 'rate_limit';
    case 529:
      return 'overloaded';
    default:
      return status >= 500 ? 'server' : 'invalid_request';
  }
}

/** Why a result that is an error is one. Decided by its fields, never by its words. */
export function reasonOfResult(result: JsonObject, signs: FailureSigns): TurnErrorReason {
  switch (result['subtype']) {
    case 'error_max_turns':
      return 'max_turns';
    case 'error_max_budget_usd':
      return 'max_usd';
    case 'error_max_structured_output_retries':
      return 'structured_output';
  }
  if (wasStopped(result)) return 'stopped';
  if (signs.refused || result['stop_reason'] === 'refusal') return 'refused';
  const status = asNumber(result['api_error_status']);
  const known = signs.category === undefined ? undefined : ofCategory[signs.category];
  if (known !== undefined) return known;
  if (status !== undefined) return ofStatus(status);
  // No status: there was no answer at all.
  return signs.category === 'server_error' ? 'network' : 'unknown';
}

/** `terminal_reason` of a turn that was stopped before the agent was done. */
const stoppedReasons = new Set(['hook_stopped', 'tool_deferred', 'tool_deferred_unavailable']);

/** True when something other than the agent and the model ended the turn; not always an error in the result. */
export function wasStopped(result: JsonObject): boolean {
  const terminal = asString(result['terminal_reason']);
  return terminal !== undefined && (stoppedReasons.has(terminal) || terminal.startsWith('aborted'));
}
