import type { EventFacts } from '../events/claude-events.js';
import type { Json, JsonObject } from '../json.js';
import type { RefusedHook } from '../table/read-layers.js';
import { strictest, type Decision } from './answer.js';
import type { HookResult } from './result.js';

/** What all hooks of an event come to. */
export interface Outcome {
  readonly event: string;
  /** deny > defer > ask > allow; undefined if nobody decided anything. */
  readonly decision?: Decision;
  /** True: what the event announces must not happen. Always false on events that only tell. */
  readonly blocked: boolean;
  /** Why it is blocked, asked for or deferred: of all hooks that say so. */
  readonly reason?: string;
  /** False: a hook wants the turn to stop. */
  readonly continue: boolean;
  readonly stopReason?: string;
  /** For the person. */
  readonly systemMessages: readonly string[];
  /** For the model, in the order of the hooks. */
  readonly additionalContext: readonly string[];
  /** The other fields for the event; of two hooks that set the same one, the higher tier's stands. */
  readonly specific: JsonObject;
  readonly results: readonly HookResult[];
  /** Hooks of this event that did not run, and why. */
  readonly refused: readonly RefusedHook[];
  /** On the monotonic clock. */
  readonly durationMs: number;
}

/** Combines what the hooks of an event said. A failure counts as deny wherever something can be blocked. */
export function combine(
  event: string,
  facts: EventFacts,
  results: readonly HookResult[],
  refused: readonly RefusedHook[],
  durationMs: number,
): Outcome {
  const canBlock = facts.block !== 'none';
  const guards = canBlock ? refused.filter(isGuard) : [];
  const failures = results.filter(
    ({ failure, kind }) => failure !== undefined && kind !== 'notice',
  );
  const decided = strictest([
    ...results.flatMap(({ answer }) => (answer?.decision === undefined ? [] : [answer.decision])),
    ...(canBlock && failures.length > 0 ? ['deny' as const] : []),
    ...guards.map(() => 'deny' as const),
  ]);
  const reasons = [
    ...guards.map(({ message, source }) => `a hook of ${source} cannot run: ${message}`),
    ...results.flatMap((result) => reasonOf(result, decided, canBlock)),
  ];
  const answers = results.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  const stopping = answers.find((answer) => answer.continue === false);
  const blocked = canBlock && decided === 'deny';
  return {
    event,
    ...(decided === undefined ? {} : { decision: decided }),
    blocked,
    ...(reasons.length === 0 ? {} : { reason: reasons.join('\n') }),
    continue: stopping === undefined,
    ...(stopping?.stopReason === undefined ? {} : { stopReason: stopping.stopReason }),
    systemMessages: answers.flatMap(({ systemMessage }) =>
      systemMessage === undefined ? [] : [systemMessage],
    ),
    additionalContext: answers.flatMap((answer) =>
      answer.additionalContext === undefined ? [] : [answer.additionalContext],
    ),
    specific: specificOf(results, blocked),
    results,
    refused,
    durationMs,
  };
}

/**
 * Whether it stops what it should have watched, because it cannot run. So do hooks of the user and the machine;
 * what a repository brings and nobody approved has no such power.
 */
export const isGuard = ({ tier }: RefusedHook): boolean => tier === 'managed' || tier === 'user';

function reasonOf(result: HookResult, decided: Decision | undefined, canBlock: boolean): string[] {
  const { answer, failure, kind, where } = result;
  if (failure !== undefined)
    return canBlock && kind !== 'notice' ? [`the hook ${where} failed: ${failure.message}`] : [];
  if (answer?.decision === undefined || answer.decision !== decided || decided === 'allow')
    return [];
  return [answer.reason ?? `the hook ${where} says ${answer.decision}`];
}

function specificOf(results: readonly HookResult[], blocked: boolean): JsonObject {
  const fields = new Map<string, Json>();
  for (const { answer } of results) {
    for (const [key, value] of Object.entries(answer?.specific ?? {})) {
      const before = fields.get(key);
      if (key === 'watchPaths' && Array.isArray(before) && Array.isArray(value))
        fields.set(key, [...new Set([...(before as Json[]), ...(value as Json[])])]);
      else if (before === undefined) fields.set(key, value);
    }
  }
  // What is refused is not changed as well, and a decision stands in its own field.
  if (blocked) fields.delete('updatedInput');
  return Object.fromEntries(fields);
}
