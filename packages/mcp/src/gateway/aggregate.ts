import { asText, isJsonObject, type JsonObject } from '../json.js';
import type { AllowsAll } from '../hub/filter.js';
import { McpError, type McpErrorCode } from '../mcp-error.js';
import { asRpcError } from '../serving/reply.js';
import {
  RpcError,
  rpcCode,
  type Exchange,
  type McpService,
  type ServiceEvent,
} from '../serving/service.js';
import { renameLinks, type Names } from './qualified-names.js';
import type { Subscriptions } from './subscriptions.js';

export type What = 'tool' | 'resource' | 'prompt';

export interface AggregateOptions {
  readonly info: { readonly name: string; readonly version: string };
  readonly services: ReadonlyMap<string, McpService>;
  readonly names: Names;
  /** On the names as they are given out here. */
  readonly allows: AllowsAll;
  readonly subscriptions: Subscriptions;
  refused(what: What, name: string, why: string): void;
  /** A service gave no list, though it has one. */
  missing(service: string, error: McpError): void;
}

interface Listing {
  readonly field: string;
  readonly key: 'name' | 'uri' | 'uriTemplate';
  readonly what: What;
}

const listings: Readonly<Record<string, Listing>> = {
  'tools/list': { field: 'tools', key: 'name', what: 'tool' },
  'prompts/list': { field: 'prompts', key: 'name', what: 'prompt' },
  'resources/list': { field: 'resources', key: 'uri', what: 'resource' },
  'resources/templates/list': {
    field: 'resourceTemplates',
    key: 'uriTemplate',
    what: 'resource',
  },
};

const fieldOf = { tool: 'tools', resource: 'resources', prompt: 'prompts' } as const;

/** Why the hub itself sent nothing: it is stronger than what an agent was granted. */
const unsent: { readonly [code in McpErrorCode]?: string } = {
  ORCH_MCP_REFUSED: 'a filter of the hub does not allow it',
  ORCH_MCP_CHANGED: 'it is not what was pinned',
  ORCH_MCP_POISONED: 'what its server says of it is suspicious',
  ORCH_MCP_UNAPPROVED: 'nobody has approved its server',
};

/** The service has no such list, and says so: what is listed of it is nothing, and nothing is missing. */
const hasNone = (error: unknown): boolean =>
  asRpcError(error).code === rpcCode.method ||
  (McpError.isInstance(error) && error.code === 'ORCH_MCP_UNSUPPORTED');

/** What a service of this process throws may be any error. */
function asMcpError(error: unknown, service: string, method: string): McpError {
  if (McpError.isInstance(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  const message = `The service ${service} failed at ${method}: ${why} The lists are given without it. Mend the service.`;
  return error instanceof RpcError
    ? new McpError('ORCH_MCP_REMOTE', message, {
        details: { rpcCode: error.code, data: error.data },
        cause: error,
      })
    : new McpError('ORCH_MCP_RESULT', message, { cause: error });
}

/**
 * Several services as one, cut down to what one caller may see and use. What the filters do not allow is neither listed
 * nor passed on, whoever knows its name.
 */
export function aggregate(options: AggregateOptions): McpService {
  const { services, names, allows, subscriptions } = options;
  /** Their own messages go to those who use them. */
  const used = new Set<string>();

  function locate(what: What, given: JsonObject[string]): readonly [McpService, string, string] {
    if (typeof given !== 'string')
      throw new RpcError(rpcCode.params, `Which ${what} is meant must be given as text.`);
    const shown = JSON.stringify(given.slice(0, 300));
    if (!allows[fieldOf[what]](given)) {
      options.refused(what, given, 'the filter does not allow it');
      throw new RpcError(rpcCode.params, `The ${what} ${shown} is not allowed here.`, {
        code: 'ORCH_MCP_REFUSED',
      });
    }
    const split = what === 'resource' ? names.splitUri(given) : names.splitTool(given);
    const service = split === undefined ? undefined : services.get(split[0]);
    if (split === undefined || service === undefined) {
      const code = what === 'resource' ? rpcCode.resource : rpcCode.params;
      throw new RpcError(
        code,
        `There is no ${what} ${shown}.`,
        what === 'resource' ? { uri: given } : undefined,
      );
    }
    used.add(split[0]);
    return [service, split[1], split[0]];
  }

  async function use(
    what: What,
    field: 'name' | 'uri',
    method: string,
    params: JsonObject,
    exchange: Exchange,
  ): Promise<JsonObject> {
    const given = params[field];
    const [service, own, of] = locate(what, given);
    try {
      const result = await service.request(method, { ...params, [field]: own }, exchange);
      return renameLinks(result, (uri) => names.uri(of, uri));
    } catch (error) {
      const why = McpError.isInstance(error) ? unsent[error.code] : undefined;
      if (why !== undefined) options.refused(what, asText(given), why);
      throw error;
    }
  }

  async function list(
    { field, key, what }: Listing,
    method: string,
    exchange: Exchange,
  ): Promise<JsonObject> {
    const lists = await Promise.all(
      [...services].map(async ([of, service]) => {
        try {
          const result = await service.request(method, {}, exchange);
          const items = (result[field] ?? []) as readonly JsonObject[];
          return items.map((item) => {
            const own = asText(item[key]);
            return { ...item, [key]: key === 'name' ? names.tool(of, own) : names.uri(of, own) };
          });
        } catch (error) {
          // Then the client has gone, and no service is to blame.
          if (exchange.signal.aborted) throw error;
          if (!hasNone(error)) options.missing(of, asMcpError(error, of, method));
          return [];
        }
      }),
    );
    const allowed = allows[fieldOf[what]];
    return { [field]: lists.flat().filter((item: JsonObject) => allowed(asText(item[key]))) };
  }

  async function complete(params: JsonObject, exchange: Exchange): Promise<JsonObject> {
    const ref = isJsonObject(params['ref']) ? params['ref'] : {};
    const isPrompt = ref['type'] === 'ref/prompt';
    const [service, own] = isPrompt
      ? locate('prompt', ref['name'])
      : locate('resource', ref['uri']);
    const ownRef = isPrompt ? { ...ref, name: own } : { ...ref, uri: own };
    return service.request('completion/complete', { ...params, ref: ownRef }, exchange);
  }

  async function subscribe(
    method: string,
    params: JsonObject,
    exchange: Exchange,
  ): Promise<JsonObject> {
    const { uri } = params;
    const [service, own] = locate('resource', uri);
    const ask = (): Promise<JsonObject> =>
      service.request(method, { ...params, uri: own }, exchange);
    return method === 'resources/subscribe'
      ? subscriptions.hold(asText(uri), exchange.signal, ask)
      : subscriptions.release(asText(uri), ask);
  }

  async function setLevel(params: JsonObject, exchange: Exchange): Promise<JsonObject> {
    const told = [...services.values()].map((service) =>
      // A server that has no log is none the worse for it.
      service.request('logging/setLevel', params, exchange).catch(() => undefined),
    );
    await Promise.all(told);
    return {};
  }

  return {
    info: options.info,
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      completions: {},
      logging: {},
    },
    async request(method, params, exchange) {
      const listing = Object.hasOwn(listings, method) ? listings[method] : undefined;
      if (listing !== undefined) return list(listing, method, exchange);
      switch (method) {
        case 'tools/call':
          return use('tool', 'name', method, params, exchange);
        case 'prompts/get':
          return use('prompt', 'name', method, params, exchange);
        case 'resources/read':
          return use('resource', 'uri', method, params, exchange);
        case 'resources/subscribe':
        case 'resources/unsubscribe':
          return subscribe(method, params, exchange);
        case 'completion/complete':
          return complete(params, exchange);
        case 'logging/setLevel':
          return setLevel(params, exchange);
        default:
          throw new RpcError(
            rpcCode.method,
            `There is no method ${JSON.stringify(method.slice(0, 100))}.`,
          );
      }
    },
    async describeTool(name) {
      const split = names.splitTool(name);
      if (split === undefined || !allows.tools(name)) return undefined;
      return services.get(split[0])?.describeTool?.(split[1]);
    },
    listen(listener) {
      const stops = [...services].map(([of, service]) =>
        service.listen((event) => {
          const own = placed(event, of);
          if (own !== undefined) listener(own);
        }),
      );
      return () => {
        for (const stop of stops) stop();
      };
    },
  };

  /** The event by the names that hold here; undefined if it is not for this caller. */
  function placed(event: ServiceEvent, of: string): ServiceEvent | undefined {
    switch (event.type) {
      case 'changed':
        return event;
      case 'updated': {
        const uri = names.uri(of, event.uri);
        return allows.resources(uri) ? { ...event, uri } : undefined;
      }
      case 'log':
        return used.has(of) ? { ...event, logger: event.logger ?? of } : undefined;
    }
  }
}
