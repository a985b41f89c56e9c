import type { Readable, Writable } from 'node:stream';
import type { ToolAnnotations } from '../hub/definitions.js';
import { isJsonObject, type JsonObject } from '../json.js';
import type { Progress } from '../protocol/peer.js';
import { serveLines } from '../serving/line-endpoint.js';
import { RpcError, rpcCode, type McpService } from '../serving/service.js';

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

/** More calls at once than any client makes. */
const requestsMost = 256;

/**
 * Serves tools to one client over lines of JSON, as over stdin and stdout. Resolves when the client has gone, or `signal`
 * was aborted, and no call is at work any more.
 */
export async function serveTools(options: ToolServerOptions): Promise<void> {
  const { input, output, maxLineBytes: maxRequestBytes = 4 * 1024 * 1024, signal } = options;
  const atWork = new Set<Promise<unknown>>();
  const caller = { attempt: '', trust: 'untrusted' } as const;
  const service = serviceOf(options, atWork);
  await serveLines({ input, output, service, caller, maxRequestBytes, requestsMost }, signal);
  await Promise.allSettled(atWork);
}

function serviceOf(
  { info, instructions, tools }: ToolServerOptions,
  atWork: Set<Promise<unknown>>,
): McpService {
  return {
    info,
    ...(instructions !== undefined && { instructions }),
    capabilities: { tools: {} },
    async request(method, params, exchange) {
      if (method === 'tools/list') return { tools: tools.map(definitionOf) };
      if (method !== 'tools/call')
        throw new RpcError(rpcCode.method, `There is no method ${JSON.stringify(method)} here.`);
      const { name, arguments: given } = params;
      const tool = tools.find((one) => one.name === name);
      if (tool === undefined)
        throw new RpcError(
          rpcCode.params,
          `There is no tool ${JSON.stringify(name)}. There are: ${tools.map((one) => one.name).join(', ')}.`,
        );
      const working = tool.call(isJsonObject(given) ? given : {}, {
        signal: exchange.signal,
        progress: (progress) => exchange.progress(progress),
      });
      atWork.add(working);
      try {
        return resultOf(await working);
      } finally {
        atWork.delete(working);
      }
    },
    listen: () => () => undefined,
  };
}

const definitionOf = ({
  name,
  title,
  description,
  inputSchema,
  annotations,
}: ServedTool): JsonObject => ({
  name,
  ...(title !== undefined && { title }),
  description,
  inputSchema,
  ...(annotations !== undefined && { annotations: { ...annotations } }),
});

const resultOf = ({ text, structured, isError }: ToolAnswer): JsonObject => ({
  content: [{ type: 'text', text }],
  ...(structured !== undefined && { structuredContent: structured }),
  ...(isError === true && { isError }),
});
