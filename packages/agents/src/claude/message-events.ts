import type { AgentEvent } from '../event.js';
import { oneLine } from '../excerpt.js';
import { asList, asObject, asString, type Json } from '../json.js';

/** The events of the blocks of a message that the model wrote. */
export function readAssistantBlocks(content: Json | undefined): AgentEvent[] {
  return asList(content).flatMap((item): AgentEvent[] => {
    const block = asObject(item) ?? {};
    switch (block['type']) {
      case 'text':
        return [{ kind: 'text', text: asString(block['text']) ?? '' }];
      case 'thinking':
        return [{ kind: 'thinking', text: asString(block['thinking']) ?? '' }];
      case 'tool_use':
      case 'server_tool_use':
      case 'mcp_tool_use':
        return [
          {
            kind: 'tool.called',
            id: asString(block['id']) ?? '',
            name: asString(block['name']) ?? 'unknown',
            input: block['input'] ?? null,
          },
        ];
      default:
        return [];
    }
  });
}

/** The events of a message that was sent to the model: results of tools, and text nobody typed. */
export function readUserBlocks(content: Json | undefined): AgentEvent[] {
  if (typeof content === 'string') return [noteText(content)];
  return asList(content).flatMap((item): AgentEvent[] => {
    const block = asObject(item) ?? {};
    if (block['type'] === 'tool_result') {
      return [
        {
          kind: 'tool.returned',
          id: asString(block['tool_use_id']) ?? '',
          failed: block['is_error'] === true,
          text: textOf(block['content']),
        },
      ];
    }
    const text = asString(block['text']);
    return text === undefined ? [] : [noteText(text)];
  });
}

/** The text of all blocks, one after the other; what is not text is named. */
export function textOf(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  return asList(content)
    .map((item) => {
      const block = asObject(item) ?? {};
      return asString(block['text']) ?? `(${asString(block['type']) ?? 'unknown'})`;
    })
    .join('\n');
}

function noteText(text: string): AgentEvent {
  return { kind: 'notice', level: 'debug', text: `Given to the model: ${oneLine(text, 300)}` };
}
