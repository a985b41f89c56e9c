import * as http from 'node:http';
import * as https from 'node:https';
import { headOf } from './http-answer.js';

/** More requests than this wait for one that is done. */
const socketsMost = 256;

/** Keeps connections alive, for `http:` or `https:` as the address has it. */
export function createAgent(url: URL): http.Agent {
  const { Agent } = url.protocol === 'https:' ? https : http;
  return new Agent({ keepAlive: true, maxSockets: socketsMost, maxFreeSockets: socketsMost });
}

export interface HttpRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly url: URL;
  readonly agent: http.Agent;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  readonly signal: AbortSignal;
  /** The whole request is on its way. */
  told?(): void;
}

/** Resolves with the head of the answer, whatever its status. Redirects are not followed. */
export async function sendRequest(options: HttpRequest): Promise<http.IncomingMessage> {
  const { method, url, agent, body, signal } = options;
  const { request } = url.protocol === 'https:' ? https : http;
  const headers: Record<string, string | number> = { ...options.headers };
  if (body !== undefined) {
    headers['content-type'] = 'application/json';
    headers['content-length'] = Buffer.byteLength(body);
  }
  const sent = request(url, { method, agent, headers });
  const head = headOf(sent);
  const stop = (): void => void sent.destroy(new Error('given up'));
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  sent.once('finish', () => options.told?.());
  sent.once('close', () => signal.removeEventListener('abort', stop));
  sent.end(body);
  return head;
}
