import { countPlayed, sha256 } from './conversation.js';
import type { ConversationMessage, ConversationRequest } from './conversation.js';
import { messageOf, ScriptedModelError } from './errors.js';
import type { Json } from './json.js';
import { findMarkers, parseMarker } from './markers.js';
import type { Marker } from './markers.js';
import type { Scenarios } from './scenarios.js';
import { readScript, readTurn } from './script.js';
import type { CheckedTurn } from './script.js';
import type { Turn } from './turn.js';

/** Which script answers, with which of its turns. */
export interface Choice {
  readonly scenario: string;
  readonly turn: number;
  readonly answer: CheckedTurn;
}

/** Where answers come from. */
export interface Sources {
  readonly scenarios: Scenarios;
  readonly fallback: ((request: ConversationRequest) => Turn | undefined) | undefined;
  /** Whether markers in user messages count. */
  readonly markers: boolean;
}

const OK = readTurn('ok');

/**
 * Chooses from what is in the request alone, so that a retried, resumed or parallel conversation
 * gets its own right turn: the last marker wins, else the last user message that a scenario
 * matches, else the fallback, else the default. Throws SCRIPT_INVALID.
 */
export function chooseTurn(request: ConversationRequest, sources: Sources): Choice {
  const { messages } = request;
  return (
    (sources.markers ? chooseByMarker(messages, sources.scenarios) : undefined) ??
    chooseByMatch(messages, sources.scenarios) ??
    chooseByFallback(request, sources.fallback) ?? {
      scenario: sources.scenarios.fallThrough === undefined ? 'built-in' : 'default',
      turn: request.turn,
      answer: turnAt(sources.scenarios.fallThrough ?? [OK], request.turn),
    }
  );
}

function chooseByMarker(
  messages: readonly ConversationMessage[],
  scenarios: Scenarios,
): Choice | undefined {
  const at = messages.findLastIndex(
    ({ role, text }) => role === 'user' && findMarkers(text).length,
  );
  const marker = findMarkers(messages[at]?.text ?? '').at(-1);
  if (marker === undefined) return undefined;
  const { scenario, turns } = scriptOf(marker, scenarios);
  const turn = countPlayed(messages.slice(at + 1));
  return { scenario, turn, answer: turnAt(turns, turn) };
}

function scriptOf(
  marker: Marker,
  scenarios: Scenarios,
): { scenario: string; turns: readonly CheckedTurn[] } {
  if (marker.kind === 'inline') {
    const json = parseMarker(marker);
    return {
      scenario: `inline:${sha256(JSON.stringify(json)).slice(0, 8)}`,
      turns: readScript(json),
    };
  }
  const found = scenarios.named.get(marker.name);
  if (found) return { scenario: marker.name, turns: found.turns };
  const known = [...scenarios.named.keys()];
  throw new ScriptedModelError(
    'ORCH_SCRIPTED_MODEL_SCRIPT_INVALID',
    `script: the marker at character ${marker.from} of its message names the scenario ${JSON.stringify(marker.name)}: ` +
      `expected one of ${known.length === 0 ? '(no scenarios are loaded)' : known.join(', ')}`,
    { name: marker.name, known, position: marker.from },
  );
}

function chooseByMatch(
  messages: readonly ConversationMessage[],
  scenarios: Scenarios,
): Choice | undefined {
  for (let at = messages.length - 1; at >= 0; at -= 1) {
    const message = messages[at];
    if (message?.role !== 'user') continue;
    for (const [scenario, { match, turns }] of scenarios.named) {
      if (!match?.test(message.text)) continue;
      const turn = countPlayed(messages.slice(at + 1));
      return { scenario, turn, answer: turnAt(turns, turn) };
    }
  }
  return undefined;
}

function chooseByFallback(
  request: ConversationRequest,
  fallback: Sources['fallback'],
): Choice | undefined {
  let turn: Turn | undefined;
  try {
    turn = fallback?.(request);
  } catch (error) {
    throw new ScriptedModelError(
      'ORCH_SCRIPTED_MODEL_SCRIPT_INVALID',
      `script: the fallback threw instead of returning a turn: ${messageOf(error)}`,
      {},
      { cause: error },
    );
  }
  if (turn === undefined) return undefined;
  return { scenario: 'fallback', turn: request.turn, answer: readTurn(turn as Json, 'fallback') };
}

// Past the end a closing remark is said again, without its faults and waits; a tool call is not.
function turnAt(turns: readonly CheckedTurn[], turn: number): CheckedTurn {
  const exact = turns[turn];
  if (exact) return exact;
  const last = turns.at(-1) ?? OK;
  if (last.blocks.length === 0 || last.blocks.some((block) => 'tool' in block)) return OK;
  return { ...OK, blocks: last.blocks, usage: last.usage };
}
