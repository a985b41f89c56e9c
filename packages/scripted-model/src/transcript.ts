import type { ConversationMessage, ToolCall } from './conversation.js';

/** Collects the messages of a request in their order, in the terms of no dialect. */
export interface Transcript {
  readonly messages: readonly ConversationMessage[];
  /** What the dialect calls a user message; what the agent put into it by itself becomes system. */
  addUser(text: string): void;
  /** Adjacent parts of one answer become one message. */
  addAssistant(text: string, calls?: readonly ToolCall[]): void;
  addTool(text: string): void;
  addSystem(text: string): void;
}

// After `--resume` of a session that was killed, Claude Code inserts this as if the model had said it.
const SYNTHETIC_ANSWER = 'No response requested.';

// What agents put in front of a user message, or in one of its own, although no user said it.
const ADDED_BY_AGENT =
  /^\s*(?:<(system-reminder|environment_context|user_instructions|session_context)>[\s\S]*?<\/\1>|# AGENTS\.md instructions [\s\S]*?<\/INSTRUCTIONS>)/;

// How Claude Code passes on a message that came in while the model was working.
const SAID_MEANWHILE =
  /The user sent a new message while you were working:\n([\s\S]*?)(?=\n\nThis is how Claude Code surfaces messages|$)/g;

export function createTranscript(): Transcript {
  const messages: ConversationMessage[] = [];
  const add = (role: 'user' | 'tool' | 'system', text: string) => {
    messages.push({ role, text, calls: [], synthetic: false });
  };
  const addText = (role: 'user' | 'system', text: string) => {
    if (text.trim() !== '') add(role, text);
  };

  return {
    messages,
    addUser(text) {
      let rest = text;
      for (let added = ADDED_BY_AGENT.exec(rest); added; added = ADDED_BY_AGENT.exec(rest)) {
        addText('system', added[0]);
        rest = rest.slice(added[0].length);
      }
      addText('user', rest);
    },
    addSystem(text) {
      let at = 0;
      for (const said of text.matchAll(SAID_MEANWHILE)) {
        addText('system', text.slice(at, said.index));
        addText('user', said[1] ?? '');
        at = said.index + said[0].length;
      }
      addText('system', text.slice(at));
    },
    addTool: (text) => add('tool', text),
    addAssistant(text, calls = []) {
      const synthetic = calls.length === 0 && text.trim() === SYNTHETIC_ANSWER;
      const last = messages.at(-1);
      if (last?.role !== 'assistant' || last.synthetic || synthetic) {
        messages.push({ role: 'assistant', text, calls, synthetic });
        return;
      }
      const joined = [last.text, text].filter((part) => part !== '').join('\n');
      messages[messages.length - 1] = { ...last, text: joined, calls: [...last.calls, ...calls] };
    },
  };
}
