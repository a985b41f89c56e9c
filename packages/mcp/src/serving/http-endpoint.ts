import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asText, isJsonObject, type JsonObject } from '../json.js';
import { HttpReply } from './http-reply.js';
import {
  HttpSessions,
  type Entrant,
  type HttpSession,
  type SessionLimits,
} from './http-sessions.js';
import { foreignOrigin } from './local-origin.js';
import { checkMirroredArguments, checkMirroredHeaders } from './mirrored-headers.js';
import { handshakeVersions, metaKey, statelessVersion } from './protocol-versions.js';
import { asRpcError, errorMessage, idOf, metaOf, paramsOf } from './reply.js';
import { SealedState } from './sealed-state.js';
import { RpcError, rpcCode } from './service.js';
import { answerError, answerStateless, readEnvelope, requireVersion } from './stateless.js';

export interface HttpLimits extends SessionLimits {
  /** Of one message. */
  readonly maxRequestBytes: number;
  /** Until a request has arrived whole. */
  readonly requestMs: number;
}

/** Why somebody is not let in. `attempt`: whose token it is, or was. */
export interface NotLetIn {
  readonly why: string;
  readonly attempt?: string;
}

export interface HttpEndpointOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Names of this server besides those of the loopback. */
  readonly hosts: readonly string[];
  readonly limits: HttpLimits;
  letIn(request: IncomingMessage): Entrant | NotLetIn;
  /** A request was refused before it was looked at. */
  refused(what: 'origin' | 'token' | 'session' | 'size', why: string, attempt?: string): void;
}

export interface HttpEndpoint {
  readonly url: string;
  /** Ends everything of one entrant. */
  end(principal: string): void;
  close(): Promise<void>;
}

export const endpointPath = '/mcp';
const address = '127.0.0.1';

function refuse(response: ServerResponse, status: number, message: string, headers = {}): void {
  const text = JSON.stringify(errorMessage(undefined, new RpcError(rpcCode.request, message)));
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

const shutOut = (response: ServerResponse, { message }: RpcError): void =>
  refuse(response, 401, message, { 'www-authenticate': 'Bearer' });

/** The body as text; undefined when it is larger, or broke off. */
function readText(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) resolve(undefined);
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('close', () => resolve(undefined));
  });
}

const header = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
};

/** Serves over Streamable HTTP, on the loopback alone, with all protocols that are spoken here. */
export async function openHttpEndpoint(options: HttpEndpointOptions): Promise<HttpEndpoint> {
  const { limits } = options;
  const sessions = new HttpSessions(limits);
  const sealed = new SealedState();
  const hosts = new Set(options.hosts.map((host) => host.toLowerCase()));
  /** Requests that are no session's, by whose they are. */
  const running = new Map<string, Set<AbortController>>();

  /** Whose token it is. To be asked again after every wait: the token may have ended meanwhile. */
  function enter(request: IncomingMessage): Entrant | RpcError {
    const entrant = options.letIn(request);
    if (!('why' in entrant)) return entrant;
    options.refused('token', entrant.why, entrant.attempt);
    return new RpcError(rpcCode.request, `The token is refused: ${entrant.why}.`);
  }

  function sessionOf(
    request: IncomingMessage,
    response: ServerResponse,
    entrant: Entrant,
  ): HttpSession | undefined {
    const id = header(request, 'mcp-session-id');
    const found = id === undefined ? undefined : sessions.find(id);
    if (found !== undefined && found.entrant.principal === entrant.principal) return found;
    // Whose it is, if it is somebody's, is not told.
    if (found !== undefined)
      options.refused('session', 'it is the session of another', entrant.caller.attempt);
    if (id === undefined)
      refuse(response, 400, 'Mcp-Session-Id is missing. Begin with initialize.');
    else refuse(response, 404, 'There is no such session. Begin another with initialize.');
    return undefined;
  }

  async function stateless(
    message: JsonObject,
    request: IncomingMessage,
    response: ServerResponse,
    entrant: Entrant,
  ): Promise<void> {
    const { principal, service, caller } = entrant;
    const own = running.get(principal) ?? new Set();
    const controller = new AbortController();
    response.once('close', () => controller.abort(new Error('the client went away')));
    const reply = new HttpReply(response, { stream: undefined, over: () => undefined });
    const params = paramsOf(message);
    const method = asText(message['method']);
    try {
      const meta = readEnvelope(params);
      checkMirroredHeaders(request.headers, method, params);
      requireVersion(asText(meta[metaKey.version]));
      if (own.size >= limits.requestsMost)
        throw new RpcError(
          rpcCode.request,
          `More than ${limits.requestsMost} requests at once. Wait for one of them.`,
        );
      // Before there is anything to wait for: from here on the end of the entrant ends this too.
      own.add(controller);
      running.set(principal, own);
      if (method === 'tools/call' && typeof params['name'] === 'string') {
        const tool = await service.describeTool?.(params['name']);
        // That may have taken long, as when its server is started for it.
        const again = enter(request);
        if (again instanceof RpcError) {
          if (!response.headersSent) response.setHeader('www-authenticate', 'Bearer');
          reply.end(errorMessage(idOf(message), again), 401);
          return;
        }
        if (controller.signal.aborted) {
          reply.drop();
          return;
        }
        checkMirroredArguments(request.headers, tool?.['inputSchema'], params['arguments']);
      }
      await answerStateless(
        message,
        { service, caller, principal, sealed, signal: controller.signal },
        reply,
      );
    } catch (cause) {
      const error = asRpcError(cause);
      if (error.code === rpcCode.params) reply.end(errorMessage(idOf(message), error), 400);
      else answerError(reply, idOf(message), error);
    } finally {
      own.delete(controller);
      if (own.size === 0) running.delete(principal);
    }
  }

  async function post(
    request: IncomingMessage,
    response: ServerResponse,
    { caller }: Entrant,
  ): Promise<void> {
    const text = await readText(request, limits.maxRequestBytes);
    if (text === undefined) {
      options.refused('size', 'it is too large, or broke off', caller.attempt);
      refuse(response, 413, `A message may have ${limits.maxRequestBytes} bytes.`, {
        connection: 'close',
      });
      return;
    }
    // A body may come as slowly as it likes; who it is from is known by what holds at its end.
    const entrant = enter(request);
    if (entrant instanceof RpcError) {
      shutOut(response, entrant);
      return;
    }
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      message = undefined;
    }
    if (!isJsonObject(message) || message['jsonrpc'] !== '2.0') {
      refuse(response, 400, 'The body is no JSON-RPC message. Send one at a time.');
      return;
    }
    const version = header(request, 'mcp-protocol-version');
    const isStateless =
      (version !== undefined && !handshakeVersions.includes(version)) ||
      metaOf(paramsOf(message))[metaKey.version] !== undefined;
    if (isStateless && idOf(message) === undefined) {
      refuse(response, 400, `${statelessVersion} has no notifications over HTTP; send requests.`);
      return;
    }
    if (isStateless) {
      await stateless(message, request, response, entrant);
      return;
    }
    let session: HttpSession | undefined;
    if (message['method'] === 'initialize') {
      session = sessions.begin(entrant);
      response.setHeader('mcp-session-id', session.id);
    } else session = sessionOf(request, response, entrant);
    if (session === undefined) return;
    if (idOf(message) !== undefined && typeof message['method'] === 'string')
      session.request(message, response);
    else {
      session.hear(message);
      response.writeHead(202).end();
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const foreign = foreignOrigin(request.headers, hosts);
    if (foreign !== undefined) {
      options.refused('origin', foreign);
      refuse(response, 403, `The request is refused: ${foreign}.`);
      return;
    }
    if (request.url !== endpointPath) {
      refuse(response, 404, `There is nothing here but ${endpointPath}.`);
      return;
    }
    const entrant = enter(request);
    if (entrant instanceof RpcError) {
      shutOut(response, entrant);
      return;
    }
    if (request.method === 'POST') {
      await post(request, response, entrant);
      return;
    }
    const isKnown = request.method === 'GET' || request.method === 'DELETE';
    if (!isKnown || header(request, 'mcp-protocol-version') === statelessVersion) {
      refuse(response, 405, 'Not this method.', { allow: 'POST' });
      return;
    }
    const session = sessionOf(request, response, entrant);
    if (session === undefined) return;
    if (request.method === 'DELETE') {
      sessions.end(session);
      response.writeHead(204).end();
    } else session.listen(response, header(request, 'last-event-id'));
  }

  const server = createServer(
    {
      requestTimeout: limits.requestMs,
      headersTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(limits.requestMs, 5000),
      keepAliveTimeout: 60_000,
    },
    (request, response) => {
      serve(request, response).catch(() => {
        if (response.headersSent) response.destroy();
        else refuse(response, 500, 'An internal error.');
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, address, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}${endpointPath}`,
    end(principal) {
      sessions.endAll(principal);
      for (const controller of running.get(principal) ?? [])
        controller.abort(new Error('it may no longer ask'));
    },
    async close() {
      sessions.close();
      for (const own of running.values())
        for (const controller of own) controller.abort(new Error('closed'));
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
