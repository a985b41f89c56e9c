import type { LogLevel, McpServer, ServerEvent } from '../hub/mcp-server.js';
import { isJsonObject, type JsonObject } from '../json.js';
import type { RequestOptions } from '../protocol/peer.js';
import { severity } from '../serving/protocol-versions.js';
import { RpcError, rpcCode, type Exchange, type McpService } from '../serving/service.js';

const textIn = (params: JsonObject, field: string): string => {
  const value = params[field];
  if (typeof value === 'string') return value;
  throw new RpcError(rpcCode.params, `params.${field} must be text.`);
};

const objectIn = (params: JsonObject, field: string): JsonObject => {
  const value = params[field] ?? {};
  if (isJsonObject(value)) return value;
  throw new RpcError(rpcCode.params, `params.${field} must be an object.`);
};

function textsIn(params: JsonObject, field: string): Record<string, string> {
  const texts = objectIn(params, field);
  for (const value of Object.values(texts))
    if (typeof value !== 'string')
      throw new RpcError(rpcCode.params, `params.${field} must have texts.`);
  return texts as Record<string, string>;
}

/** Hears what one server does; returns what ends it. */
export type Observe = (listener: (event: ServerEvent) => void) => () => void;

/** A server of a hub, as it is served on. Its own requests (sampling, elicitation) do not come through. */
export function serviceOf(server: McpServer, observe: Observe): McpService {
  let loudest: LogLevel | undefined;

  /** What does not run is not started for this. */
  async function applyLevel(): Promise<void> {
    if (loudest !== undefined && server.state === 'ready')
      await server.setLogLevel(loudest).catch(() => undefined);
  }
  observe((event) => {
    if (event.type === 'state' && event.state === 'ready') void applyLevel();
  });

  const optionsOf = (exchange: Exchange): RequestOptions => ({
    signal: exchange.signal,
    onProgress: (progress) => exchange.progress(progress),
  });

  async function complete(params: JsonObject, exchange: Exchange): Promise<JsonObject> {
    const ref = objectIn(params, 'ref');
    const argument = objectIn(params, 'argument');
    const of =
      ref['type'] === 'ref/prompt'
        ? { prompt: textIn(ref, 'name') }
        : { template: textIn(ref, 'uri') };
    const asked = { name: textIn(argument, 'name'), value: textIn(argument, 'value') };
    const { values, total, hasMore } = await server.complete(of, asked, optionsOf(exchange));
    return { completion: { values, hasMore, ...(total !== undefined && { total }) } };
  }

  const request = async (
    method: string,
    params: JsonObject,
    exchange: Exchange,
  ): Promise<JsonObject> => {
    const options = optionsOf(exchange);
    switch (method) {
      case 'tools/list':
        return { tools: await server.tools(options) };
      case 'tools/call': {
        const args = objectIn(params, 'arguments');
        return (await server.call(textIn(params, 'name'), args, options)).raw;
      }
      case 'resources/list':
        return { resources: await server.resources(options) };
      case 'resources/templates/list':
        return { resourceTemplates: await server.resourceTemplates(options) };
      case 'resources/read':
        return { contents: await server.readResource(textIn(params, 'uri'), options) };
      case 'resources/subscribe':
        await server.subscribe(textIn(params, 'uri'), options);
        return {};
      case 'resources/unsubscribe':
        await server.unsubscribe(textIn(params, 'uri'), options);
        return {};
      case 'prompts/list':
        return { prompts: await server.prompts(options) };
      case 'prompts/get':
        return server.prompt(textIn(params, 'name'), textsIn(params, 'arguments'), options);
      case 'completion/complete':
        return complete(params, exchange);
      case 'logging/setLevel': {
        const level = textIn(params, 'level') as LogLevel;
        // Many share the server, so the one who wants most decides; the others leave out what they did not ask for.
        if (loudest !== undefined && severity(level) >= severity(loudest)) return {};
        loudest = level;
        await applyLevel();
        return {};
      }
      default:
        throw new RpcError(rpcCode.method, `There is no method ${method.slice(0, 100)}.`);
    }
  };

  return {
    info: { name: server.name, version: '0' },
    capabilities: {},
    request,
    async describeTool(name) {
      return (await server.tools()).find((tool) => tool.name === name);
    },
    listen: (listener) =>
      observe((event) => {
        if (event.type === 'changed' || event.type === 'updated') listener(event);
        else if (event.type === 'log') listener({ ...event, data: event.data });
      }),
  };
}
