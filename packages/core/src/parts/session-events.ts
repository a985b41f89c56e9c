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
export function progressOf(event: AgentEvent, workspace: string): AgentProgress | undefined {
  const progress = describe(event);
  return progress && { ...progress, text: inside(progress.text, workspace) };
}

function describe(event: AgentEvent): AgentProgress | undefined {
  switch (event.kind) {
    case 'text':
      return { kind: 'text', text: oneLine(event.text) };
    case 'tool.called':
      return { kind: 'tool', text: `${event.name} ${oneLine(inputText(event.input))}`.trimEnd() };
    case 'denied':
      return {
        kind: 'denial',
        text: `refused: ${event.tool} ${oneLine(inputText(event.input))}`.trimEnd(),
      };
    case 'retrying':
      return {
        kind: 'notice',
        text: oneLine(`asking again (${event.reason}), try ${event.attempt}`),
      };
    case 'notice':
      return event.level === 'debug' ? undefined : { kind: 'notice', text: oneLine(event.text) };
    case 'output':
      return { kind: 'output', text: oneLine(event.text) };
    default:
      return undefined;
  }
}

const telling = ['command', 'file_path', 'path', 'pattern', 'url', 'description'] as const;

/** The argument that tells people what a tool call does. */
function inputText(input: unknown): string {
  if (typeof input !== 'object' || input === null) return typeof input === 'string' ? input : '';
  const fields = input as Record<string, unknown>;
  const name = telling.find((candidate) => typeof fields[candidate] === 'string');
  return name === undefined ? JSON.stringify(input) : (fields[name] as string);
}

/** The telling argument of a denial, whose input is JSON that may be cut off; paths as seen from the workspace. */
export function deniedInput(input: string, workspace: string): string {
  for (const name of telling) {
    const found = new RegExp(`"${name}":("(?:[^"\\\\]|\\\\.)*"?)`).exec(input)?.[1];
    if (found === undefined) continue;
    const text =
      found.endsWith('"') && found.length > 1 ? (JSON.parse(found) as string) : found.slice(1);
    return oneLine(inside(text, workspace));
  }
  return oneLine(inside(input, workspace));
}

/** Paths below the workspace, as the agent's own files. */
const inside = (text: string, workspace: string): string => text.replaceAll(`${workspace}/`, '');

/** Agent text is data: what a terminal would act on is taken out, and it stays on its line. */
export const oneLine = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, 200);
