import type { EventFacts } from '../events/claude-events.js';
import {
  deepest,
  excerpt,
  isJsonObject,
  isTooDeep,
  own,
  parseJson,
  type Json,
  type JsonObject,
} from '../json.js';

/** What a hook said, read by Claude Code's conventions. */
export interface Answer {
  readonly decision?: Decision;
  readonly reason?: string;
  /** False: the turn stops. */
  readonly continue?: false;
  readonly stopReason?: string;
  readonly systemMessage?: string;
  readonly suppressOutput?: true;
  /** For the model. */
  readonly additionalContext?: string;
  /** The other fields of `hookSpecificOutput` that belong to the event. */
  readonly specific?: JsonObject;
}

export type Decision = 'allow' | 'ask' | 'defer' | 'deny';

/** Why something a hook printed is no answer. */
export interface AnswerFault {
  readonly fault: string;
}

/** More text on stdout than this is no answer. Claude Code writes what is longer than 10,000 to a file. */
export const answerLimit = 1024 * 1024;

/** Reads what a command printed before it ended with exit code 0. Empty text is an answer that says nothing. */
export function readAnswer(text: string, event: string, facts: EventFacts): Answer | AnswerFault {
  const trimmed = text.trim();
  if (trimmed === '') return {};
  if (!trimmed.startsWith('{'))
    return facts.textIsContext === true ? { additionalContext: trimmed } : {};
  let value: Json;
  try {
    value = parseJson(trimmed);
  } catch (error) {
    return {
      fault: `it printed what begins like JSON and is none (${excerpt((error as Error).message, 120)})`,
    };
  }
  return shapeAnswer(value, event, facts);
}

const texts = ['stopReason', 'systemMessage', 'reason', 'terminalSequence'] as const;
const decisions: Readonly<Record<string, Decision>> = {
  approve: 'allow',
  allow: 'allow',
  block: 'deny',
  deny: 'deny',
};

/** Reads an answer that is a value already. */
export function shapeAnswer(
  value: Json | undefined,
  event: string,
  facts: EventFacts,
): Answer | AnswerFault {
  if (value === undefined || value === null) return {};
  if (isTooDeep(value)) return { fault: `its answer has more than ${deepest} levels` };
  if (!isJsonObject(value)) return wrong('the answer', 'an object', value);
  if (own(value, 'async') === true)
    return { fault: 'it wants to answer later (async), which decides nothing' };
  for (const key of texts) {
    const text = own(value, key);
    if (text !== undefined && typeof text !== 'string') return wrong(key, 'text', text);
  }
  for (const key of ['continue', 'suppressOutput'] as const) {
    const flag = own(value, key);
    if (flag !== undefined && typeof flag !== 'boolean') return wrong(key, 'true or false', flag);
  }
  const decision = own(value, 'decision');
  if (
    decision !== undefined &&
    !(typeof decision === 'string' && Object.hasOwn(decisions, decision))
  )
    return wrong('decision', 'approve or block', decision);
  const specific = readSpecific(own(value, 'hookSpecificOutput'), event, facts);
  if ('fault' in specific) return specific;
  const [reason, stopReason, systemMessage] = ['reason', 'stopReason', 'systemMessage'].map((key) =>
    own(value, key),
  );
  const top = typeof decision === 'string' ? decisions[decision] : undefined;
  const chosen = strictest([top, specific.decision].filter((one) => one !== undefined));
  return {
    ...specific,
    ...(chosen === undefined ? {} : { decision: chosen }),
    ...(typeof reason === 'string' && specific.reason === undefined ? { reason } : {}),
    ...(own(value, 'continue') === false ? { continue: false as const } : {}),
    ...(typeof stopReason === 'string' ? { stopReason } : {}),
    ...(typeof systemMessage === 'string' ? { systemMessage } : {}),
    ...(own(value, 'suppressOutput') === true ? { suppressOutput: true as const } : {}),
  };
}

/** deny > defer > ask > allow. */
const strictness: readonly Decision[] = ['deny', 'defer', 'ask', 'allow'];

export function strictest(given: readonly Decision[]): Decision | undefined {
  return strictness.find((decision) => given.includes(decision));
}

type Specific = Pick<Answer, 'decision' | 'reason' | 'additionalContext' | 'specific'>;

function readSpecific(
  value: Json | undefined,
  event: string,
  facts: EventFacts,
): Specific | AnswerFault {
  if (value === undefined) return {};
  if (!isJsonObject(value)) return wrong('hookSpecificOutput', 'an object', value);
  if (own(value, 'hookEventName') !== event)
    return wrong('hookSpecificOutput.hookEventName', event, own(value, 'hookEventName'));
  const context = own(value, 'additionalContext');
  if (context !== undefined && typeof context !== 'string')
    return wrong('hookSpecificOutput.additionalContext', 'text', context);
  const verdict = readVerdict(value, event);
  if ('fault' in verdict) return verdict;
  // What the event does not know changes nothing there, today or after a rename.
  const rest = Object.entries(value).filter(
    ([key]) =>
      facts.fields.includes(key) &&
      !['additionalContext', 'permissionDecision', 'permissionDecisionReason'].includes(key),
  );
  const shapeless = rest.find(([key, field]) => !fits(key, field));
  if (shapeless !== undefined)
    return wrong(
      `hookSpecificOutput.${shapeless[0]}`,
      shapes[shapeless[0]]?.[0] ?? 'another value',
      shapeless[1],
    );
  return {
    ...verdict,
    ...(context === undefined ? {} : { additionalContext: context }),
    ...(rest.length === 0 ? {} : { specific: Object.fromEntries(rest) }),
  };
}

function readVerdict(value: JsonObject, event: string): Specific | AnswerFault {
  if (event === 'PreToolUse') {
    const decision = own(value, 'permissionDecision');
    const reason = own(value, 'permissionDecisionReason');
    if (reason !== undefined && typeof reason !== 'string')
      return wrong('hookSpecificOutput.permissionDecisionReason', 'text', reason);
    if (decision === undefined) return {};
    const chosen = strictness.find((one) => one === decision);
    if (chosen === undefined)
      return wrong('hookSpecificOutput.permissionDecision', 'allow, deny, ask or defer', decision);
    return { decision: chosen, ...(reason === undefined ? {} : { reason }) };
  }
  if (event === 'PermissionRequest') {
    const decision = own(value, 'decision');
    if (decision === undefined) return {};
    const behavior = isJsonObject(decision) ? own(decision, 'behavior') : undefined;
    if (behavior !== 'allow' && behavior !== 'deny')
      return wrong('hookSpecificOutput.decision', '{behavior: allow or deny}', decision);
    const message = isJsonObject(decision) ? own(decision, 'message') : undefined;
    return { decision: behavior, ...(typeof message === 'string' ? { reason: message } : {}) };
  }
  if (event === 'Elicitation' || event === 'ElicitationResult') {
    const action = own(value, 'action');
    if (action === undefined) return {};
    if (action !== 'accept' && action !== 'decline' && action !== 'cancel')
      return wrong('hookSpecificOutput.action', 'accept, decline or cancel', action);
    return { decision: action === 'accept' ? 'allow' : 'deny' };
  }
  return {};
}

const isTexts = (field: Json): boolean =>
  Array.isArray(field) && field.every((one) => typeof one === 'string');
const isText = (field: Json): boolean => typeof field === 'string';
const isFlag = (field: Json): boolean => typeof field === 'boolean';

/** Fields whose shape is fixed; the others may be any JSON. */
const shapes: Readonly<Record<string, readonly [string, (field: Json) => boolean]>> = {
  updatedInput: ['an object', isJsonObject],
  content: ['an object', isJsonObject],
  watchPaths: ['a list of paths', isTexts],
  sessionTitle: ['text', isText],
  initialUserMessage: ['text', isText],
  displayContent: ['text', isText],
  worktreePath: ['text', isText],
  suppressOriginalPrompt: ['true or false', isFlag],
  reloadSkills: ['true or false', isFlag],
  retry: ['true or false', isFlag],
};

function fits(key: string, field: Json): boolean {
  const shape = Object.hasOwn(shapes, key) ? shapes[key] : undefined;
  return shape === undefined || shape[1](field);
}

function wrong(what: string, expected: string, received: Json | undefined): AnswerFault {
  const shown = received === undefined ? 'nothing' : excerpt(JSON.stringify(received), 80);
  return { fault: `its answer is not valid: ${what} must be ${expected}, received ${shown}` };
}
