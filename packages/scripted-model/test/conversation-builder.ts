import type { Json } from '../src/index.js';
import { jsonOf, send } from './raw-client.js';
import type { Answer, Pending } from './raw-client.js';

/** Messages of an Anthropic request. */
export const user = (content: Json) => ({ role: 'user', content });
export const assistant = (content: Json) => ({ role: 'assistant', content });
export const system = (content: Json) => ({ role: 'system', content });
export const toolResult = (content: string) =>
  user([{ type: 'tool_result', tool_use_id: 'toolu_1', content }]);
export const toolUse = (name: string, input: Json = {}) =>
  assistant([{ type: 'tool_use', id: 'toolu_1', name, input }]);

/** A prompt that carries a script. */
export const scripted = (script: Json, prompt = 'Do it.') =>
  `${prompt} <<<SCRIPT ${JSON.stringify(script)} SCRIPT>>>`;

/** Asks as Claude Code would: messages, and a session in the metadata. */
export function ask(
  url: string,
  messages: readonly Json[],
  more: { session?: string; stream?: boolean; headers?: Record<string, string>; body?: Json } = {},
): Pending {
  const { session = 'session-1', stream = false, headers = {}, body = {} } = more;
  const metadata = { user_id: JSON.stringify({ device_id: 'd', session_id: session }) };
  const request = { model: 'm', max_tokens: 100, stream, metadata, messages };
  return send(
    `${url}/v1/messages?beta=true`,
    { ...request, ...(body as object) },
    {
      headers,
    },
  );
}

/** The text of a whole Anthropic answer. */
export function textOf(answer: Answer): string {
  const { content } = jsonOf(answer) as { content?: readonly { text?: string }[] };
  return (content ?? []).map(({ text }) => text ?? '').join('');
}

/** Asks and gives the text that came back. */
export async function askText(
  url: string,
  messages: readonly Json[],
  more: Parameters<typeof ask>[2] = {},
): Promise<string> {
  return textOf(await ask(url, messages, more).answer);
}
