import { asText, isJsonObject, type JsonObject } from '../json.js';
import { onAbort } from '../on-abort.js';
import type { RequestId } from '../transport/transport.js';
import { metaKey, severity, statelessVersion } from './protocol-versions.js';
import {
  asRpcError,
  errorMessage,
  idOf,
  metaOf,
  paramsOf,
  resultMessage,
  type Reply,
} from './reply.js';
import type { SealedState } from './sealed-state.js';
import {
  requireCapabilities,
  RpcError,
  rpcCode,
  type Ask,
  type Caller,
  type Exchange,
  type McpService,
  type ServiceEvent,
} from './service.js';
import { notificationOf } from './session.js';

export interface StatelessOptions {
  readonly service: McpService;
  readonly caller: Caller;
  /** The same for whoever may come back with a sealed state. */
  readonly principal: string;
  readonly sealed: SealedState;
  /** The client gave up or went away. */
  readonly signal: AbortSignal;
}

/** Answers that a client may keep, and whether it asks first. */
const cacheable = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);
/** Requests that can end with questions. */
const mayAsk = new Set(['tools/call', 'prompts/get', 'resources/read']);
const methods = new Set([...cacheable, ...mayAsk, 'completion/complete']);

const malformed = 400;
/** What HTTP says of these errors, if it is not 200. */
const statusOf: Readonly<Record<number, number>> = {
  [rpcCode.method]: 404,
  [rpcCode.headers]: malformed,
  [rpcCode.capability]: malformed,
  [rpcCode.version]: malformed,
};

/** The request ends with these questions. */
class InputRequired extends Error {
  readonly result: JsonObject;

  constructor(result: JsonObject) {
    super('input required');
    this.result = result;
  }
}

/** What a request says of itself. Throws `RpcError`. */
export function readEnvelope(params: JsonObject): JsonObject {
  const meta = metaOf(params);
  const version = meta[metaKey.version];
  if (typeof version !== 'string' || !isJsonObject(meta[metaKey.capabilities]))
    throw new RpcError(
      rpcCode.params,
      `params._meta must have ${metaKey.version} and ${metaKey.capabilities}.`,
    );
  return meta;
}

/** Throws `RpcError` when it is none that is spoken here. */
export function requireVersion(version: string): void {
  if (version === statelessVersion) return;
  throw new RpcError(rpcCode.version, 'This version of the protocol is not spoken here.', {
    supported: [statelessVersion],
    requested: version,
  });
}

export const answerError = (reply: Reply, id: RequestId | undefined, error: RpcError): void =>
  reply.end(errorMessage(id, error), statusOf[error.code]);

/** Answers one request of the protocol of 2026-07-28, which says everything itself. */
export async function answerStateless(
  message: JsonObject,
  options: StatelessOptions,
  reply: Reply,
): Promise<void> {
  const id = idOf(message);
  const method = typeof message['method'] === 'string' ? message['method'] : '';
  const params = paramsOf(message);
  const { service, signal } = options;
  if (id === undefined) {
    answerError(reply, undefined, new RpcError(rpcCode.request, 'This is no request.'));
    return;
  }
  const ownMeta = { [metaKey.serverInfo]: service.info };
  try {
    const meta = readEnvelope(params);
    requireVersion(asText(meta[metaKey.version]));
    if (method === 'subscriptions/listen') {
      await listen(id, params, options, reply);
      return;
    }
    const result = await run(method, params, options, reply);
    const resultMeta = isJsonObject(result['_meta']) ? result['_meta'] : {};
    reply.end(
      resultMessage(id, {
        resultType: 'complete',
        // Lists are by what this caller may see.
        ...(cacheable.has(method) && { ttlMs: 0, cacheScope: 'private' }),
        ...result,
        _meta: { ...resultMeta, ...ownMeta },
      }),
    );
  } catch (cause) {
    if (cause instanceof InputRequired) {
      reply.end(
        resultMessage(id, { resultType: 'input_required', ...cause.result, _meta: ownMeta }),
      );
      return;
    }
    if (signal.aborted) {
      reply.drop();
      return;
    }
    const error = asRpcError(cause);
    const known =
      error.code === rpcCode.resource
        ? new RpcError(rpcCode.params, error.message, error.data)
        : error;
    const isMalformed = !isJsonObject(metaOf(params)[metaKey.capabilities]);
    reply.end(errorMessage(id, known), isMalformed ? malformed : statusOf[known.code]);
  }
}

function run(
  method: string,
  params: JsonObject,
  options: StatelessOptions,
  reply: Reply,
): Promise<JsonObject> {
  const { service, caller, signal, sealed, principal } = options;
  if (!methods.has(method))
    throw new RpcError(
      rpcCode.method,
      `There is no method ${JSON.stringify(method.slice(0, 100))}.`,
    );
  if (method === 'server/discover')
    return Promise.resolve({
      supportedVersions: [statelessVersion],
      capabilities: service.capabilities,
      ...(service.instructions !== undefined && { instructions: service.instructions }),
    });
  const meta = metaOf(params);
  const { inputResponses, requestState, _meta: _ofRequest, ...own } = params;
  const request = JSON.stringify([principal, method, own]);
  const answered = {
    ...(requestState === undefined ? {} : sealed.open(requestState, request)),
    ...(isJsonObject(inputResponses) ? inputResponses : {}),
  };
  const capabilities = meta[metaKey.capabilities] as JsonObject;
  const level = severity(meta[metaKey.logLevel]);
  const { progressToken } = meta;
  const exchange: Exchange = {
    caller,
    signal,
    clientCapabilities: capabilities,
    progress({ progress, total, message }) {
      if (progressToken === undefined || reply.isFull || signal.aborted) return;
      const told = { progressToken, progress, total, message };
      reply.send({ jsonrpc: '2.0', method: 'notifications/progress', params: told });
    },
    log(severe, data, logger) {
      if (level < 0 || severity(severe) < level || reply.isFull || signal.aborted) return;
      const named = logger === undefined ? {} : { logger };
      reply.send(notificationOf({ type: 'log', level: severe, data, ...named }));
    },
    ask<Key extends string>(asks: Readonly<Record<Key, Ask>>): Promise<Record<Key, JsonObject>> {
      const keys = Object.keys(asks) as Key[];
      const missing = keys.filter((key) => !isJsonObject(answered[key]));
      if (missing.length === 0)
        return Promise.resolve(
          Object.fromEntries(keys.map((key) => [key, answered[key] as JsonObject])) as Record<
            Key,
            JsonObject
          >,
        );
      const open = Object.fromEntries(missing.map((key) => [key, asks[key]]));
      requireCapabilities(open, capabilities);
      if (!mayAsk.has(method))
        throw new RpcError(rpcCode.internal, `${method} cannot ask the client.`);
      throw new InputRequired({
        inputRequests: open as unknown as JsonObject,
        requestState: sealed.seal(onlyObjects(answered), request),
      });
    },
    disconnect: () => undefined,
  };
  return service.request(method, params, exchange);
}

const onlyObjects = (answers: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(answers).filter(([, answer]) => isJsonObject(answer)));

const kinds = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
} as const;

/** Stays open, and carries what the client asked to hear of, until it goes away. */
async function listen(
  id: RequestId,
  params: JsonObject,
  { service, caller, signal }: StatelessOptions,
  reply: Reply,
): Promise<void> {
  const wanted = isJsonObject(params['notifications']) ? params['notifications'] : {};
  const uris = wanted['resourceSubscriptions'];
  const watched = new Set(Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : []);
  const _meta = { [metaKey.subscription]: id };
  const wants = (event: ServiceEvent): boolean =>
    event.type === 'changed'
      ? wanted[kinds[event.list]] === true
      : event.type === 'updated' && watched.has(event.uri);
  const exchange = {
    caller,
    clientCapabilities: {},
    progress: () => undefined,
    log: () => undefined,
    ask: () => Promise.reject(new RpcError(rpcCode.internal, 'Not while listening.')),
    disconnect: () => undefined,
  };
  for (const uri of [...watched])
    await service
      .request('resources/subscribe', { uri }, { ...exchange, signal })
      .catch(() => watched.delete(uri));
  const accepted = Object.values(kinds).filter((kind) => wanted[kind] === true);
  const notifications = {
    ...Object.fromEntries(accepted.map((kind) => [kind, true])),
    ...(watched.size > 0 && { resourceSubscriptions: [...watched] }),
  };
  reply.send({
    jsonrpc: '2.0',
    method: 'notifications/subscriptions/acknowledged',
    params: { _meta, notifications },
  });
  const stop = service.listen((event) => {
    if (!wants(event)) return;
    const notification = notificationOf(event);
    reply.send({ ...notification, params: { ...paramsOf(notification), _meta } });
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else onAbort(signal, resolve);
  });
  stop();
  const lastly = AbortSignal.timeout(10_000);
  for (const uri of watched)
    void service
      .request('resources/unsubscribe', { uri }, { ...exchange, signal: lastly })
      .catch(() => undefined);
  reply.end(resultMessage(id, { resultType: 'complete', _meta }));
}
