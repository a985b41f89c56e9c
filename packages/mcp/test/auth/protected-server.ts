import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { bodyOf } from '../request-body.js';
import type { Cleanup } from '../scene.js';
import { ProofChecker } from './proof-checker.js';

/** One request as the authorization server saw it. */
export interface SeenByIssuer {
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
}

/** What may be wrong, or otherwise than usual. Can be changed while it runs. */
export interface Ways {
  /** `iss` of answers to logins. Default: the issuer. `null`: none. */
  iss: string | null;
  advertisesIssuer: boolean;
  advertisesS256: boolean;
  /** Life of access tokens in s. */
  lifeSeconds: number;
  /** Scopes that the server demands: of all requests, and of `tools/call`. */
  scopes: readonly string[];
  callScopes: readonly string[];
  /** In place of what would be said. */
  metadata: Readonly<Record<string, unknown>>;
  resourceMetadata: Readonly<Record<string, unknown>>;
  /** The answer to a login is this error. */
  denies: string | undefined;
  /** The token endpoint refuses with this, and says in words what it was sent. */
  refuses: string | undefined;
  /** Every token is refused by the MCP server. */
  rejectsAll: boolean;
  redirectsMetadataTo: string | undefined;
  /** Tokens are bound to keys, by proofs with nonces. */
  dpop: boolean;
  /** Tools fail, and the MCP server says with which token. */
  quotes: boolean;
  /** What is said of the address at which tokens are taken back. `null`: nothing. */
  revocation: string | null;
}

/** An MCP server on loopback and the authorization server whose tokens it wants; both keep to the rules. */
export interface ProtectedServer {
  /** Of the MCP server. */
  readonly url: string;
  readonly issuer: string;
  readonly ways: Ways;
  readonly seen: readonly SeenByIssuer[];
  /** Tokens that the MCP server was shown. */
  readonly shown: readonly string[];
  /** So often each grant was given. */
  readonly given: Readonly<Record<string, number>>;
  /** No access token is good any more. */
  expireAll(): void;
  /** Whether any token is good. */
  hasGood(): boolean;
  /** Gives tokens without a login, as if it had been. */
  issue(scope?: string): { accessToken: string; refreshToken: string };
  close(): Promise<void>;
}

interface Granted {
  /** Of the key that it is bound to. */
  readonly thumbprint?: string;
  readonly scope: string;
  readonly resource: string;
  readonly clientId: string;
}

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params?: { readonly protocolVersion?: string };
}

const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};
const secret = (kind: string): string => `${kind}-${randomBytes(9).toString('hex')}`;

export async function startProtectedServer(changes: Partial<Ways> = {}): Promise<ProtectedServer> {
  const seen: SeenByIssuer[] = [];
  const shown: string[] = [];
  const given: Record<string, number> = {};
  const codes = new Map<string, Granted & { challenge: string; redirectUri: string }>();
  const access = new Map<string, Granted>();
  const refresh = new Map<string, Granted>();
  const clients = new Map<string, { redirectUris: readonly string[] }>();
  const servers: Server[] = [];
  const issuerProofs = new ProofChecker(1);
  const serverProofs = new ProofChecker(3);

  async function listen(
    handle: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<string> {
    const server = createServer(handle);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  function give(granted: Granted): Record<string, unknown> {
    const accessToken = secret('access');
    const refreshToken = secret('refresh');
    access.set(accessToken, granted);
    refresh.set(refreshToken, granted);
    return {
      access_token: accessToken,
      token_type: granted.thumbprint === undefined ? 'Bearer' : 'DPoP',
      expires_in: ways.lifeSeconds,
      refresh_token: refreshToken,
      scope: granted.scope,
    };
  }

  const issuer = await listen((request, response) => void serveIssuer(request, response));

  async function serveIssuer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', issuer);
    const body = await bodyOf(request);
    if (body === undefined) return;
    const isForm = request.headers['content-type']?.includes('urlencoded') === true;
    const form = Object.fromEntries(isForm ? new URLSearchParams(body) : url.searchParams);
    seen.push({ path: url.pathname, form, authorization: request.headers.authorization });
    switch (url.pathname) {
      case '/.well-known/oauth-authorization-server':
        if (ways.redirectsMetadataTo !== undefined) {
          response.writeHead(302, { location: ways.redirectsMetadataTo }).end();
          return;
        }
        json(response, {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          registration_endpoint: `${issuer}/register`,
          ...(ways.revocation !== null && { revocation_endpoint: ways.revocation }),
          authorization_response_iss_parameter_supported: ways.advertisesIssuer,
          ...(ways.dpop && { dpop_signing_alg_values_supported: ['ES256'] }),
          ...(ways.advertisesS256 && { code_challenge_methods_supported: ['S256'] }),
          ...ways.metadata,
        });
        return;
      case '/register': {
        const { redirect_uris } = JSON.parse(body) as { redirect_uris: string[] };
        const clientId = secret('client');
        clients.set(clientId, { redirectUris: redirect_uris });
        json(response, { client_id: clientId, redirect_uris }, 201);
        return;
      }
      case '/revoke':
        access.delete(form['token'] ?? '');
        refresh.delete(form['token'] ?? '');
        response.writeHead(200).end();
        return;
      case '/authorize':
        answerLogin(response, form);
        return;
      case '/token':
        answerToken(response, form, await bindingOf(request, response));
        return;
      default:
        response.writeHead(404).end();
    }
  }

  function answerLogin(response: ServerResponse, form: Readonly<Record<string, string>>): void {
    const { client_id = '', redirect_uri = '', state = '', code_challenge = '' } = form;
    const isKnown = clients.get(client_id)?.redirectUris.includes(redirect_uri) ?? true;
    if (!isKnown || form['code_challenge_method'] !== 'S256') {
      response.writeHead(400).end('no such client');
      return;
    }
    const back = new URL(redirect_uri);
    if (ways.denies === undefined) {
      const code = secret('code');
      codes.set(code, {
        scope: form['scope'] ?? '',
        resource: form['resource'] ?? '',
        clientId: client_id,
        challenge: code_challenge,
        redirectUri: redirect_uri,
      });
      back.searchParams.set('code', code);
    } else {
      back.searchParams.set('error', ways.denies);
      back.searchParams.set('error_description', 'words of the issuer');
    }
    back.searchParams.set('state', state);
    if (ways.iss !== null) back.searchParams.set('iss', ways.iss);
    response.writeHead(302, { location: back.href }).end();
  }

  /** Undefined: it is not bound. `refused`: it was answered. */
  async function bindingOf(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ thumbprint?: string } | 'refused'> {
    if (!ways.dpop) return {};
    const of = { method: 'POST', url: `${issuer}/token` };
    const checked = await issuerProofs.check(request.headers.dpop, of);
    if ('thumbprint' in checked) return checked;
    response.setHeader('dpop-nonce', issuerProofs.nonce);
    json(response, { error: checked.refusal }, 400);
    return 'refused';
  }

  function answerToken(
    response: ServerResponse,
    form: Readonly<Record<string, string>>,
    binding: { thumbprint?: string } | 'refused',
  ): void {
    if (binding === 'refused') return;
    const { grant_type = '', code = '', code_verifier = '', refresh_token = '' } = form;
    if (ways.refuses !== undefined) {
      const description = `refused: ${Object.values(form).join(' ')}`;
      json(response, { error: ways.refuses, error_description: description }, 400);
      return;
    }
    const count = (): void => {
      given[grant_type] = (given[grant_type] ?? 0) + 1;
    };
    if (grant_type === 'authorization_code') {
      const known = codes.get(code);
      codes.delete(code);
      const challenge = createHash('sha256').update(code_verifier).digest('base64url');
      if (known?.challenge !== challenge || known.redirectUri !== form['redirect_uri'])
        json(response, { error: 'invalid_grant' }, 400);
      else {
        count();
        json(response, give({ ...known, ...binding }));
      }
    } else if (grant_type === 'refresh_token') {
      const known = refresh.get(refresh_token);
      // Each is good once. A second use is a theft: all of them end (OAuth 2.1, 4.3.1).
      refresh.delete(refresh_token);
      count();
      if (known === undefined || known.thumbprint !== binding.thumbprint) {
        refresh.clear();
        json(response, { error: 'invalid_grant' }, 400);
      } else json(response, give(known));
    } else if (grant_type === 'client_credentials') {
      count();
      const scope = form['scope'] ?? '';
      // Whoever can ask again needs no refresh token (RFC 6749, 4.4.3).
      const { refresh_token: _refresh, ...tokens } = give({
        scope,
        resource: form['resource'] ?? '',
        clientId: 'own',
      });
      json(response, tokens);
    } else json(response, { error: 'unsupported_grant_type' }, 400);
  }

  const origin = await listen((request, response) => void serveMcp(request, response));
  const url = `${origin}/mcp`;

  async function serveMcp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/.well-known/oauth-protected-resource/mcp') {
      json(response, { resource: url, authorization_servers: [issuer], ...ways.resourceMetadata });
      return;
    }
    const body = await bodyOf(request);
    if (body === undefined) return;
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    const { id, method = '', params } = JSON.parse(body) as Partial<Request>;
    const refusal = await judge(request, 'POST', method);
    if (refusal !== undefined) response.writeHead(refusal.status, refusal.headers).end();
    else if (id === undefined) response.writeHead(202).end();
    else json(response, answerTo(request, { id, method, ...(params && { params }) }));
  }

  /** Why a request is refused; undefined if it is not. */
  async function judge(
    request: IncomingMessage,
    htm: 'POST' | 'GET',
    method: string,
  ): Promise<{ status: number; headers: Record<string, string> } | undefined> {
    const [scheme, token] = request.headers.authorization?.split(' ') ?? [];
    if (token !== undefined) shown.push(token);
    const known = access.get(token ?? '');
    if (ways.dpop && token !== undefined) {
      const checked = await serverProofs.check(request.headers.dpop, { method: htm, url, token });
      const isBound = 'thumbprint' in checked && known?.thumbprint === checked.thumbprint;
      if (known !== undefined && (!isBound || scheme !== 'DPoP')) {
        const error = 'refusal' in checked ? checked.refusal : 'invalid_token';
        const { nonce } = serverProofs;
        const challenge = `DPoP error="${error}"`;
        return { status: 401, headers: { 'dpop-nonce': nonce, 'www-authenticate': challenge } };
      }
    }
    const where = `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
    const needed = [...ways.scopes, ...(method === 'tools/call' ? ways.callScopes : [])];
    const held = known?.scope.split(' ') ?? [];
    if (known === undefined || known.resource !== url || ways.rejectsAll) {
      const scope = ways.scopes.length === 0 ? '' : `, scope="${ways.scopes.join(' ')}"`;
      const wanted = ways.dpop ? 'DPoP' : 'Bearer';
      return { status: 401, headers: { 'www-authenticate': `${wanted} ${where}${scope}` } };
    }
    if (needed.every((one) => held.includes(one))) return undefined;
    const challenge = `Bearer error="insufficient_scope", scope="${needed.join(' ')}", ${where}`;
    return { status: 403, headers: { 'www-authenticate': challenge } };
  }

  function answerTo(request: IncomingMessage, { id, method, params }: Request): object {
    if (ways.quotes && method === 'tools/call') {
      const message = `no use of ${request.headers.authorization ?? 'nothing'}`;
      return { jsonrpc: '2.0', id, error: { code: -32_000, message } };
    }
    const serverInfo = { name: 'protected', version: '1' };
    const protocolVersion = params?.protocolVersion;
    const results: Record<string, unknown> = {
      initialize: { protocolVersion, capabilities: { tools: {} }, serverInfo },
      'tools/list': { tools: [{ name: 'good', inputSchema: { type: 'object' } }] },
      'tools/call': { content: [{ type: 'text', text: 'well' }] },
    };
    return { jsonrpc: '2.0', id, result: results[method] ?? {} };
  }

  // The same over a WebSocket, whose upgrade is what needs the token.
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'mcp' });
  servers.at(-1)?.on('upgrade', (request: IncomingMessage, stream: Socket, head: Buffer) => {
    stream.on('error', () => undefined); // its client is gone
    void (async () => {
      const refusal = await judge(request, 'GET', 'upgrade');
      if (refusal !== undefined) {
        const headers = Object.entries(refusal.headers).map((one) => `${one.join(': ')}\r\n`);
        stream.end(`HTTP/1.1 ${refusal.status} No\r\ncontent-length: 0\r\n${headers.join('')}\r\n`);
        return;
      }
      sockets.handleUpgrade(request, stream, head, (socket) => {
        socket.on('message', (data: Buffer) => {
          const message = JSON.parse(data.toString()) as Partial<Request>;
          const { id, method = '', params } = message;
          if (id === undefined) return;
          const asked = { id, method, ...(params && { params }) };
          socket.send(JSON.stringify(answerTo(request, asked)));
        });
      });
    })();
  });

  const ways: Ways = {
    iss: issuer,
    advertisesIssuer: true,
    advertisesS256: true,
    lifeSeconds: 3600,
    scopes: [],
    callScopes: [],
    metadata: {},
    resourceMetadata: {},
    denies: undefined,
    refuses: undefined,
    rejectsAll: false,
    redirectsMetadataTo: undefined,
    dpop: false,
    quotes: false,
    revocation: `${issuer}/revoke`,
    ...changes,
  };
  return {
    url,
    issuer,
    ways,
    seen,
    shown,
    given,
    expireAll: () => access.clear(),
    hasGood: () => access.size + refresh.size > 0,
    issue(scope = '') {
      const tokens = give({ scope, resource: url, clientId: 'own' });
      return {
        accessToken: String(tokens['access_token']),
        refreshToken: String(tokens['refresh_token']),
      };
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
        if (server.listening) await once(server, 'close');
      }
    },
  };
}

/** A browser whose person allows everything at once. */
export const browse = async (url: URL): Promise<void> => {
  await (await fetch(url)).text();
};

/** One for a test, which closes it. */
export async function protectedServer(
  onTestFinished: Cleanup,
  ways: Partial<Ways> = {},
): Promise<ProtectedServer> {
  const server = await startProtectedServer(ways);
  onTestFinished(() => server.close());
  return server;
}
