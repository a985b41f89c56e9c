import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Transport as SdkTransport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { CallToolResult, JSONRPCMessage, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { ToolAnnotations } from '../hub/definitions.js';
import { isJsonObject, type JsonObject } from '../json.js';
import type { Progress } from '../protocol/peer.js';

/** How a tool is called. */
export interface ServedCall {
  /** Aborted when the client gives up or goes away. */
  readonly signal: AbortSignal;
  /** Told to the client, if it wants to know. */
  readonly progress: (progress: Progress) => void;
}

export interface ToolAnswer {
  readonly text: string;
  readonly structured?: JsonObject;
  /** The tool failed, and `text` says why and what to do: the model reads it. */
  readonly isError?: boolean;
}

/** A tool of a server of ours. */
export interface ServedTool {
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object. They come as the client gave them: the tool checks them. */
  readonly inputSchema: JsonObject;
  readonly annotations?: ToolAnnotations;
  call(args: JsonObject, call: ServedCall): Promise<ToolAnswer>;
}

export interface ToolServerOptions {
  readonly info: { readonly name: string; readonly version: string };
  /** For the model: what this server is for. */
  readonly instructions?: string;
  readonly tools: readonly ServedTool[];
  readonly input: Readable;
  readonly output: Writable;
  readonly signal?: AbortSignal;
  /** A longer line ends the connection. Default 4 MiB. */
  readonly maxLineBytes?: number;
}

/**
 * Serves tools to one client over lines of JSON, as over stdin and stdout. Resolves when the client has gone, or `signal`
 * was aborted, and no call is at work any more.
 */
export async function serveTools(options: ToolServerOptions): Promise<void> {
  const { tools, input, output, info, instructions } = options;
  const [{ McpServer }, types] = await Promise.all([
    import('@modelcontextprotocol/sdk/server/mcp.js'),
    import('@modelcontextprotocol/sdk/types.js'),
  ]);
  const { server } = new McpServer(info, {
    capabilities: { tools: {} },
    ...(instructions !== undefined && { instructions }),
  });
  const atWork = new Set<Promise<unknown>>();
  const over = new AbortController();
  server.setRequestHandler(types.ListToolsRequestSchema, () => ({
    tools: tools.map(
      (tool) =>
        ({
          name: tool.name,
          title: tool.title,
          description: tool.description,
          inputSchema: tool.inputSchema,
          annotations: tool.annotations,
        }) as unknown as Tool,
    ),
  }));
  server.setRequestHandler(types.CallToolRequestSchema, async ({ params }, extra) => {
    const tool = tools.find(({ name }) => name === params.name);
    if (tool === undefined)
      throw new types.McpError(
        types.ErrorCode.InvalidParams,
        `There is no tool ${JSON.stringify(params.name)}. There are: ${tools.map(({ name }) => name).join(', ')}.`,
      );
    const progressToken = params._meta?.progressToken;
    const given: unknown = params.arguments ?? {};
    const signal = AbortSignal.any([extra.signal, over.signal]);
    const working = tool.call(isJsonObject(given) ? given : {}, {
      signal,
      progress(progress) {
        if (progressToken === undefined || signal.aborted) return;
        const told = { ...progress, progressToken };
        extra
          .sendNotification({ method: 'notifications/progress', params: told })
          .catch(() => undefined); // the client has gone, and its end is told
      },
    });
    atWork.add(working);
    try {
      return resultOf(await working);
    } finally {
      atWork.delete(working);
    }
  });
  await speak(server, input, output, options);
  over.abort();
  await Promise.allSettled(atWork);
}

function resultOf({ text, structured, isError }: ToolAnswer): CallToolResult {
  return {
    content: [{ type: 'text', text }],
    ...(structured !== undefined && { structuredContent: structured }),
    ...(isError === true && { isError }),
  };
}

interface Speaker {
  connect(transport: SdkTransport): Promise<void>;
  close(): Promise<void>;
}

/** Until the client has gone. The SDK's own transport does not notice that its input has ended. */
async function speak(
  server: Speaker,
  input: Readable,
  output: Writable,
  { signal, maxLineBytes = 4 * 1024 * 1024 }: ToolServerOptions,
): Promise<void> {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const transport: SdkTransport = {
    start: () => Promise.resolve(),
    send(message) {
      output.write(`${JSON.stringify(message)}\n`);
      return Promise.resolve();
    },
    close() {
      transport.onclose?.();
      return Promise.resolve();
    },
  };
  await server.connect(transport);
  let sinceBreak = 0;
  const measure = (chunk: Buffer): void => {
    const at = chunk.lastIndexOf(10);
    sinceBreak = at < 0 ? sinceBreak + chunk.length : chunk.length - at - 1;
    if (sinceBreak > maxLineBytes) end();
  };
  input.on('data', measure);
  const lines = createInterface({ input });
  lines.on('line', (line) => {
    const message = parse(line);
    if (message !== undefined) transport.onmessage?.(message);
    else if (line.trim() !== '') output.write(`${parseError}\n`);
  });
  lines.once('close', end);
  output.once('error', end);
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted === true) end();
  await ended;
  signal?.removeEventListener('abort', end);
  input.off('data', measure);
  lines.close();
  input.pause();
  await server.close();
}

const parseError = JSON.stringify({
  jsonrpc: '2.0',
  id: null,
  error: { code: -32_700, message: 'This line is no JSON-RPC message.' },
});

function parse(line: string): JSONRPCMessage | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return isJsonObject(message) ? (message as unknown as JSONRPCMessage) : undefined;
  } catch {
    return undefined;
  }
}
