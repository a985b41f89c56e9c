import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';
import { excerpt, isJsonObject, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
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
  const refuse = (id: RequestId, message: string, data?: JsonObject): void =>
    write({ jsonrpc: '2.0', id, error: { code: -32_603, message, data } });
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
      try {
        write(message);
      } catch (cause) {
        end(unwritable(cause));
      }
    },
    noise: () => undefined,
    missed: () => undefined,
    waitsForPerson: () => undefined,
    oversized(answer) {
      if (answer.id === undefined) return;
      const why = 'error' in answer ? answer.error.message : 'The answer was put into a file.';
      refuse(answer.id, why);
    },
    failed(id, error) {
      refuse(id, error.message, { code: error.code });
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
    try {
      // As it came: what can be read need not be such that it can be written again.
      transport.send(text, isRequest ? id : undefined)?.catch(() => undefined);
    } catch (cause) {
      // A replay goes through what it is asked, and no deeper than it can.
      if (isRequest) refuse(id, `It was not passed on: ${reason(cause)}.`);
    }
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

const reason = (cause: unknown): string =>
  cause instanceof Error ? excerpt(cause.message) : 'unknown';

const unwritable = (cause: unknown): McpError =>
  new McpError(
    'ORCH_MCP_RESULT',
    `The server sent a message that cannot be passed on (${reason(cause)}), so it was ended. Start it anew. A message that is nested thousands of levels deep is a defect of the server.`,
    { cause },
  );

function parse(text: string): JsonObject | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return isJsonObject(message) ? message : undefined;
  } catch {
    return undefined; // what is no message is not passed on
  }
}
