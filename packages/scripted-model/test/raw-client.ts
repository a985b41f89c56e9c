import { request } from 'node:http';
import type { Json } from '../src/index.js';

/** One server-sent event as it came over the wire. */
interface WireEvent {
  readonly name: string | undefined;
  readonly data: string;
}

/** What a client saw of an answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly events: readonly WireEvent[];
  /** False when the connection broke before the end. */
  readonly whole: boolean;
}

/** A request under way. */
export interface Pending {
  readonly answer: Promise<Answer>;
  /** Whether the answer has ended. */
  readonly settled: () => boolean;
  /** Goes away without waiting. */
  leave(): void;
}

/** Sends one request on a connection of its own. `body` undefined: without one. */
export function send(
  url: string,
  body?: Json,
  options: { method?: string; headers?: Record<string, string> } = {},
): Pending {
  const sent = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const outgoing = request(url, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    agent: false,
    headers: { 'content-type': 'application/json', ...options.headers },
  });
  let settled = false;
  const answer = new Promise<Answer>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', () => {});
      response.on('close', () => {
        const { statusCode = 0, headers, complete } = response;
        resolve({ status: statusCode, headers, text, events: readEvents(text), whole: complete });
      });
    });
  });
  answer.then(
    () => (settled = true),
    () => (settled = true),
  );
  outgoing.end(sent);
  return { answer, settled: () => settled, leave: () => outgoing.destroy() };
}

function readEvents(text: string): readonly WireEvent[] {
  return text
    .split('\n\n')
    .filter((part) => /^(event|data): /.test(part))
    .map((part) => ({
      name: /^event: (.*)$/m.exec(part)?.[1],
      data: /^data: (.*)$/m.exec(part)?.[1] ?? '',
    }));
}

/** The parsed data of the events, without OpenAI's closing word. */
export function dataOf(answer: Answer): readonly Record<string, never>[] {
  return answer.events
    .filter(({ data }) => data !== '[DONE]')
    .map(({ data }) => JSON.parse(data) as Record<string, never>);
}

/** A parsed JSON answer. */
export function jsonOf(answer: Answer): Record<string, never> {
  return JSON.parse(answer.text) as Record<string, never>;
}
