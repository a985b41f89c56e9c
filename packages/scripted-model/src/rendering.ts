import { firstPrompt, lastText, withoutMarkers } from './conversation.js';
import type { ConversationRequest } from './conversation.js';
import type { CheckedTurn } from './script.js';
import { renderJson, renderText } from './template.js';
import type { TemplateValues } from './template.js';
import type { Block } from './turn.js';

/** What the placeholders of a turn mean in a conversation. */
export function templateValues(
  request: ConversationRequest,
  turn: number,
  environment: TemplateValues['environment'],
): TemplateValues {
  const { messages, model } = request;
  return {
    lastToolResult: lastText(messages, 'tool'),
    prompt: withoutMarkers(firstPrompt(messages)),
    model,
    turn,
    environment,
    // Without markers: a pattern must not find itself in the script that holds it.
    conversation: messages.map(({ text }) => withoutMarkers(text)).join('\n'),
  };
}

/** The turn with its placeholders replaced. */
export function renderTurn(turn: CheckedTurn, values: TemplateValues): CheckedTurn {
  const render = (text: string) => renderText(text, values);
  const { waitForFile, barrier, error, streamError } = turn;
  return {
    ...turn,
    blocks: turn.blocks.map((block) => renderBlock(block, values)),
    waitForFile: waitForFile === undefined ? undefined : render(waitForFile),
    barrier: barrier && { ...barrier, name: render(barrier.name) },
    error: error && { ...error, message: render(error.message) },
    streamError: streamError && { ...streamError, message: render(streamError.message) },
  };
}

function renderBlock(block: Block, values: TemplateValues): Block {
  if ('text' in block) return { ...block, text: renderText(block.text, values) };
  if ('thinking' in block) return { ...block, thinking: renderText(block.thinking, values) };
  return { ...block, input: renderJson(block.input ?? {}, values) };
}
