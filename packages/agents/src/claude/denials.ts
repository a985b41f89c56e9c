import type { Denial, Denied } from '../event.js';
import { oneLine } from '../excerpt.js';
import { asList, asObject, asString, type Json, type JsonObject } from '../json.js';

/** Every refused tool call of a turn, once, from whichever event tells of it first. */
export interface Denials {
  /** A tool was called; its input is needed when an event tells of its refusal by id alone. */
  noteCall(id: string, input: Json): void;
  /** A tool call failed; the text is the reason if the result says later that it was refused. */
  noteFailure(id: string, text: string): void;
  /** We refused it. */
  byPlan(request: JsonObject, reason: string): Denied | undefined;
  /** `system/permission_denied`: one of our rules forbids it. */
  byRule(event: JsonObject): Denied | undefined;
  /** `permission_denials` of a result: those that nothing else told of. */
  inResult(result: JsonObject): Denied[];
  readonly all: readonly Denial[];
}

export function createDenials(): Denials {
  const inputs = new Map<string, Json>();
  const failures = new Map<string, string>();
  const seen = new Set<string>();
  const all: Denial[] = [];

  function add(id: string | undefined, denied: Denied): Denied | undefined {
    if (id !== undefined) {
      if (seen.has(id)) return undefined;
      seen.add(id);
    }
    all.push({
      tool: denied.tool,
      input: oneLine(denied.input, 200),
      reason: oneLine(denied.reason, 500),
    });
    return denied;
  }

  return {
    noteCall: (id, input) => void inputs.set(id, input),
    noteFailure: (id, text) => void failures.set(id, text),
    byPlan(request, reason) {
      return add(asString(request['tool_use_id']), {
        kind: 'denied',
        tool: asString(request['tool_name']) ?? 'unknown',
        input: request['input'] ?? null,
        reason,
        by: 'plan',
      });
    },
    byRule(event) {
      const id = asString(event['tool_use_id']);
      return add(id, {
        kind: 'denied',
        tool: asString(event['tool_name']) ?? 'unknown',
        input: (id === undefined ? undefined : inputs.get(id)) ?? null,
        reason: asString(event['message']) ?? 'A rule forbids it.',
        by: 'rule',
      });
    },
    inResult(result) {
      return asList(result['permission_denials']).flatMap((item) => {
        const denial = asObject(item) ?? {};
        const id = asString(denial['tool_use_id']);
        const reason = id === undefined ? undefined : failures.get(id);
        const denied = add(id, {
          kind: 'denied',
          tool: asString(denial['tool_name']) ?? 'unknown',
          input: denial['tool_input'] ?? null,
          reason: reason ?? 'The agent refused it and did not say why.',
          by: 'agent',
        });
        return denied === undefined ? [] : [denied];
      });
    },
    all,
  };
}
