import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { bodyOf } from '../request-body.js';
import { nestedLog } from './nested.js';

/** One request as it came. */
export interface Seen {
  readonly method: string;
  readonly session: string | undefined;
  readonly lastEventId: string | undefined;
  readonly rpc: string | undefined;
  readonly tool: string | undefined;
}

/** A Streamable HTTP server on loopback that misbehaves by the tool that is called. */
export interface HttpFaults {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** Sessions end with it: every request is answered 404 from now on, but for a new session. */
  forgetSessions(): void;
  /** From now on no session is known for longer than its handshake. */
  forgetAlways(): void;
  /** What the listening stream does: `mute` (its headers never come), `slow` (a moment later), `open`, or a refusal by its status. */
  listening: 'refused' | 'unknown' | 'failing' | 'mute' | 'slow' | 'open';
  /** How many requests are being answered, or never will be. */
  open(): number;
  /** How many listen now. */
  listeners(): number;
  /** Says something to all who listen. */
  say(message: object): void;
  /** Breaks the streams of all who listen. */
  hangUp(): void;
  /** DELETE is not answered. */
  clingy: boolean;
  close(): Promise<void>;
}

const refusals = { refused: 405, unknown: 404, failing: 503 };

type Reply = (response: ServerResponse, id: number, args: Record<string, unknown>) => void;

const text = (value: string) => ({ content: [{ type: 'text', text: value }] });
const answer = (id: number, result: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result });
const json = (response: ServerResponse, body: string, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
};
const stream = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' });
/** To a request that asked for no other protocol. */
export const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: another\r\n\r\n';
const progress =
  'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"at it"}}';

const replies: Readonly<Record<string, Reply>> = {
  good: (response, id) => json(response, answer(id, text('well'))),
  unauthorized: (response) =>
    response.writeHead(401, { 'www-authenticate': 'Bearer scope="read"' }).end(),
  forbidden: (response) => json(response, '{"error":"insufficient scope"}', 403),
  fails: (response) => json(response, '{"error":"out of order"}', 500),
  redirects: (response) => response.writeHead(307, { location: 'http://elsewhere.test/' }).end(),
  html: (response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Welcome</p>'),
  mute: () => undefined,
  switches: (response) => void response.socket?.write(switching),
  slow_body(response) {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 50);
    response.once('close', () => clearInterval(timer));
  },
  resets(response) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"jsonrpc":', () => response.socket?.resetAndDestroy());
  },
  breaks_with_ids(response, id) {
    stream(response).write(`id: ${id}\nretry: 50\n${progress}\n\n`, () => response.destroy());
  },
  breaks_without_ids(response) {
    stream(response).write(`${progress}\n\n`, () => response.destroy());
  },
  nested: (response) => void stream(response).write(`data: ${nestedLog}\n\n`),
  large: (response, id, args) =>
    json(response, answer(id, text('x'.repeat(Number(args['bytes']))))),
  large_breaks(response, id, args) {
    response.writeHead(200, { 'content-type': 'application/json' });
    const whole = answer(id, text('x'.repeat(Number(args['bytes']))));
    response.write(whole.slice(0, -10), () => response.destroy());
  },
  large_stream(response, id, args) {
    stream(response).end(`data: ${answer(id, text('x'.repeat(Number(args['bytes']))))}\n\n`);
  },
};

export async function startHttpFaults(): Promise<HttpFaults> {
  const seen: Seen[] = [];
  const sessions = new Set<string>();
  let count = 0;
  let lists = 0;
  let open = 0;
  const listeners = new Set<ServerResponse>();
  let forgetful = false;
  const server: Server = createServer((request, response) => {
    open += 1;
    response.once('close', () => (open -= 1));
    void handle(request, response);
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) return;
    const message = (body === '' ? {} : JSON.parse(body)) as {
      id?: number;
      method?: string;
      params?: { name?: string; arguments?: Record<string, unknown>; protocolVersion?: string };
    };
    const { id = 0, method, params = {} } = message;
    const session = request.headers['mcp-session-id'] as string | undefined;
    const lastEventId = request.headers['last-event-id'] as string | undefined;
    seen.push({
      method: request.method ?? '',
      session,
      lastEventId,
      rpc: method,
      tool: params.name,
    });
    if (method === 'initialize') {
      initialize(response, id, params.protocolVersion);
      return;
    }
    if (session === undefined || !sessions.has(session)) {
      json(response, '{"error":"no such session"}', 404);
      return;
    }
    if (request.method === 'DELETE') {
      if (!faulty.clingy) response.writeHead(204).end();
    } else if (request.method === 'GET') {
      if (lastEventId !== undefined)
        stream(response).end(
          `id: ${lastEventId}+\ndata: ${answer(Number(lastEventId), text('resumed'))}\n\n`,
        );
      else if (faulty.listening === 'open') openListener(response);
      else if (faulty.listening === 'slow') setTimeout(openListener, 100, response);
      else if (faulty.listening !== 'mute') response.writeHead(refusals[faulty.listening]).end();
    } else if (method === 'tools/call') {
      replies[params.name ?? '']?.(response, id, params.arguments ?? {});
    } else if (method === 'tools/list') {
      lists += 1;
      const tool = { name: 'good', description: `list ${lists}`, inputSchema: { type: 'object' } };
      json(response, answer(id, { tools: [tool] }));
    } else if (message.id === undefined) {
      response.writeHead(202).end();
      if (forgetful) sessions.clear();
    } else json(response, answer(id, {}));
  }

  function openListener(response: ServerResponse): void {
    listeners.add(response);
    response.once('close', () => listeners.delete(response));
    stream(response).write('retry: 50\n\n');
  }

  function initialize(response: ServerResponse, id: number, protocolVersion: string | undefined) {
    count += 1;
    sessions.add(`s${count}`);
    response.setHeader('mcp-session-id', `s${count}`);
    const serverInfo = { name: 'fault', version: '1' };
    json(response, answer(id, { protocolVersion, capabilities: { tools: {} }, serverInfo }));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const faulty: HttpFaults = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    forgetSessions: () => sessions.clear(),
    forgetAlways() {
      forgetful = true;
      sessions.clear();
    },
    listening: 'refused',
    open: () => open,
    listeners: () => listeners.size,
    say(message) {
      const data = JSON.stringify({ jsonrpc: '2.0', ...message });
      for (const one of listeners) one.write(`data: ${data}\n\n`);
    },
    hangUp() {
      for (const one of listeners) one.destroy();
    },
    clingy: false,
    async close() {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
  return faulty;
}
