import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';
import { isJsonObject, type JsonObject } from '../json.js';
import type { McpError } from '../mcp-error.js';
import type { OpenWire, RequestId } from '../transport/transport.js';

export interface Line {
  readonly input: Readable;
  readonly output: Writable;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Puts a client, which speaks over lines of JSON, in front of a transport: what it says goes there, and what comes from
 * there goes to it. Resolves when the client has ended; rejects with the error by which the connection was over.
 */
export async function serveLines(open: OpenWire, line: Line): Promise<void> {
  const { input, output, signal } = line;
  const write = (message: unknown): void => void output.write(`${JSON.stringify(message)}\n`);
  let end: (error?: McpError) => void = () => undefined;
  const over = new Promise<McpError | undefined>((resolve) => (end = resolve));
  let initializing: RequestId | undefined;

  const transport = await open({
    message(message) {
      const { id, result } = message;
      if (id !== undefined && id === initializing && isJsonObject(result)) {
        initializing = undefined;
        const version = result['protocolVersion'];
        transport.ready(typeof version === 'string' ? version : '', false);
      }
      write(message);
    },
    noise: () => undefined,
    missed: () => undefined,
    waitsForPerson: () => undefined,
    oversized(answer) {
      if (answer.id === undefined) return;
      const why = 'error' in answer ? answer.error.message : 'The answer was put into a file.';
      write({ jsonrpc: '2.0', id: answer.id, error: { code: -32_603, message: why } });
    },
    failed(id, error) {
      const { code, message } = error;
      write({ jsonrpc: '2.0', id, error: { code: -32_603, message, data: { code } } });
    },
    closed: (error) => end(error),
  });
  const lines = createInterface({ input });
  lines.on('line', (text) => {
    const message = parse(text);
    if (message === undefined) return;
    const { id, method } = message;
    const isRequest = method !== undefined && (typeof id === 'number' || typeof id === 'string');
    if (isRequest && method === 'initialize') initializing = id;
    transport.send(JSON.stringify(message), isRequest ? id : undefined)?.catch(() => undefined);
  });
  lines.on('close', () => end());
  const abort = (): void => end();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) end();
  const error = await over;
  signal.removeEventListener('abort', abort);
  lines.close();
  input.pause();
  await transport.close();
  if (error !== undefined) throw error;
}

function parse(text: string): JsonObject | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return isJsonObject(message) ? message : undefined;
  } catch {
    return undefined; // what is no message is not passed on
  }
}
