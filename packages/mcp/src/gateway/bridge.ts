import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { isJsonObject, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { metaKey } from '../serving/protocol-versions.js';
import { asRpcError, errorMessage, idOf, metaOf, paramsOf } from '../serving/reply.js';
import { RpcError, rpcCode } from '../serving/service.js';
import { StreamableHttpTransport } from '../transport/streamable-http.js';

export interface BridgeOptions {
  readonly url: string;
  readonly token: string;
  readonly input: Readable;
  readonly output: Writable;
}

/** From the gateway; it has its own limits. */
const maxMessageBytes = 2 ** 29 - 24;

/**
 * Carries messages between an agent that speaks over stdin and stdout, and a gateway. Resolves when the input has
 * ended and everything that was asked is answered, or given up; rejects when the gateway no longer knows us.
 */
export async function runBridge({ url, token, input, output }: BridgeOptions): Promise<void> {
  const waiting = new Set<string | number>();
  let isEnded = false;
  let broke: (error: McpError) => void = () => undefined;
  let done: () => void = () => undefined;
  const over = new Promise<void>((resolve, reject) => {
    done = resolve;
    broke = reject;
  });
  over.catch(() => undefined);
  const write = (message: JsonObject): void => {
    const id = idOf(message);
    if (id !== undefined && message['method'] === undefined) waiting.delete(id);
    if (!output.write(`${JSON.stringify(message)}\n`)) {
      lines.pause();
      output.once('drain', () => lines.resume());
    }
    if (isEnded && waiting.size === 0) done();
  };
  const transport = new StreamableHttpTransport(
    {
      name: 'the gateway',
      url: new URL(url),
      headers: { authorization: `Bearer ${token}` },
      authorizer: undefined,
      spill: undefined,
      maxMessageBytes,
    },
    {
      message(message) {
        const { result } = message;
        const version = isJsonObject(result) ? result['protocolVersion'] : undefined;
        write(message);
        if (typeof version === 'string' && message['id'] === handshakeId)
          transport.ready(version, false);
      },
      noise: () => undefined,
      missed: () => undefined,
      waitsForPerson: () => undefined,
      oversized: () => undefined,
      failed: (id, error) => write(errorMessage(id, asRpcError(error))),
      closed: (error) => broke(error),
    },
  );
  let handshakeId: string | number | undefined;
  const lines = createInterface({ input, crlfDelay: Infinity });
  lines.on('line', (line) => {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      return;
    }
    if (!isJsonObject(message)) return;
    const id = idOf(message);
    const isRequest = id !== undefined && typeof message['method'] === 'string';
    if (isRequest && metaOf(paramsOf(message))[metaKey.version] !== undefined) {
      // The agent then begins with `initialize`, as with any server of before.
      const none = new RpcError(
        rpcCode.method,
        'The bridge speaks the protocols until 2025-11-25.',
      );
      write(errorMessage(id, none));
      return;
    }
    if (isRequest) waiting.add(id);
    if (isRequest && message['method'] === 'initialize') handshakeId = id;
    // Only what gets no answer rejects; there is nobody to tell.
    transport.send(line, isRequest ? id : undefined)?.catch(() => undefined);
  });
  lines.on('close', () => {
    isEnded = true;
    if (waiting.size === 0) done();
  });
  output.on('error', () => done());
  try {
    await over;
  } finally {
    lines.close();
    await transport.close();
  }
}
