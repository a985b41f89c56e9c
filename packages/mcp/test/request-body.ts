import type { IncomingMessage } from 'node:http';

/** What a client sends. Undefined when it goes before it has sent all, as one that is closed or killed may. */
export async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  let body = '';
  try {
    for await (const chunk of request) body += String(chunk);
  } catch {
    return undefined;
  }
  return body;
}
