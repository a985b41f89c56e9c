import { anthropic } from './anthropic.js';
import type { Dialect } from './dialect.js';
import { gemini } from './gemini.js';
import { openAiChat } from './openai-chat.js';
import { openAiResponses } from './openai-responses.js';

/** What a path asks for. */
export interface SelectedDialect {
  readonly dialect: Dialect;
  /** Where the path, not the body, says whether and of whom an answer is wanted (Gemini). */
  readonly stream?: boolean;
  readonly model?: string;
}

/** The dialect of a request path, whatever stands before it; undefined when it is no model request. */
export function selectDialect(path: string): SelectedDialect | undefined {
  if (path.endsWith('/messages')) return { dialect: anthropic };
  if (path.endsWith('/chat/completions')) return { dialect: openAiChat };
  if (path.endsWith('/responses')) return { dialect: openAiResponses };
  const [, model, method] = /([^/]+):(generateContent|streamGenerateContent)$/.exec(path) ?? [];
  if (model === undefined) return undefined;
  return { dialect: gemini, model, stream: method === 'streamGenerateContent' };
}
