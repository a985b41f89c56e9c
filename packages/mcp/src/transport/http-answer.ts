import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { excerpt } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { SpillFile } from '../spill/spill.js';

/**
 * Resolves with the head of the answer to a request; rejects when there is none. Of a server that answers with another
 * protocol (101), for which nobody asked, Node says no more than that the request is closed.
 */
export const headOf = (sent: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.on('close', () => reject(new Error('it was closed without an answer')));
  });

/**
 * The whole body as text, or undefined if it is larger than `maxBytes`; then all of it is in `file`, as far as that
 * takes it. Rejects when it breaks off.
 */
export function readBody(
  response: IncomingMessage,
  maxBytes: number,
  file?: SpillFile,
): Promise<string | undefined> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= maxBytes) return;
      const isTaken = chunks.every((one) => file?.write(one));
      chunks = [];
      if (isTaken) return;
      resolve(undefined);
      response.destroy();
    });
    response.on('end', () => {
      if (bytes > maxBytes) resolve(undefined);
      else
        resolve(
          (chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks)).toString(),
        );
    });
    response.on('error', reject);
    const close = (): void => reject(new Error('it ended in the middle of its answer'));
    // It may have closed while somebody was asked what to do about its head.
    if (response.closed) close();
    else response.on('close', close);
  });
}

/** What an answer that is no success means to the caller. */
export function describeStatus(
  name: string,
  status: number,
  session: 'begun' | 'none',
  headers: IncomingHttpHeaders,
  said: string,
): McpError {
  const details = { status, body: said };
  const more = said === '' ? '' : `: ${said}`;
  if (status === 404 && session === 'begun')
    return new McpError(
      'ORCH_MCP_SESSION',
      `${name} no longer knows this session; what it kept for it is gone. The next call begins another.`,
      { details },
    );
  if (status === 401 || status === 403) {
    const challenge = headers['www-authenticate'];
    const asked = challenge === undefined ? '' : `, and asks for ${excerpt(challenge)}`;
    return new McpError(
      'ORCH_MCP_AUTH',
      `${name} answered ${status}${asked}${more}. Correct its headers.authorization, or what the token may do.`,
      { details: { ...details, challenge } },
    );
  }
  if (status >= 300 && status < 400)
    return new McpError(
      'ORCH_MCP_HTTP',
      `${name} answered ${status} and points to ${excerpt(headers.location ?? 'nowhere')}. Redirects are not followed; correct its url if you trust that address.`,
      { details },
    );
  return new McpError('ORCH_MCP_HTTP', `${name} answered ${status}${more}.`, { details });
}
