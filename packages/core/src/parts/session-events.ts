import { stripVTControlCharacters } from 'node:util';
import type { AgentEvent } from '@orch/agents';
import type { AgentProgress } from '@orch/coordinator';

/** How a driver's event is kept: its kind, its data without the driver's own form, and that form. */
export interface RecordedEvent {
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly raw?: unknown;
}

/** An agent's event as a session record. */
export function sessionRecord(event: AgentEvent): RecordedEvent {
  const { kind, raw, ...data } = event;
  return { kind, data, ...(raw === undefined ? {} : { raw }) };
}

/** What of an event is worth showing while the attempt runs. */
export function progressOf(event: AgentEvent): AgentProgress | undefined {
  switch (event.kind) {
    case 'text':
      return { kind: 'text', text: oneLine(event.text) };
    case 'tool.called':
      return { kind: 'tool', text: `${event.name} ${oneLine(inputText(event.input))}`.trimEnd() };
    case 'denied':
      return { kind: 'denial', text: `refused: ${event.tool} ${oneLine(inputText(event.input))}`.trimEnd() };
    case 'retrying':
      return { kind: 'notice', text: oneLine(`asking again (${event.reason}), try ${event.attempt}`) };
    case 'notice':
      return event.level === 'debug' ? undefined : { kind: 'notice', text: oneLine(event.text) };
    case 'output':
      return { kind: 'output', text: oneLine(event.text) };
    default:
      return undefined;
  }
}

/** The argument that tells people what a tool call does. */
function inputText(input: unknown): string {
  if (typeof input !== 'object' || input === null) return typeof input === 'string' ? input : '';
  const fields = input as Record<string, unknown>;
  for (const name of ['command', 'file_path', 'path', 'pattern', 'url', 'description']) {
    const value = fields[name];
    if (typeof value === 'string') return value;
  }
  return JSON.stringify(input);
}

/** Agent text is data: what a terminal would act on is taken out, and it stays on its line. */
export const oneLine = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, 200);
