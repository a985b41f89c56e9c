import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { bodyOf } from '../request-body.js';
import { nestedNothing } from './nested.js';

/** One request as it came. */
export interface SseSeen {
  readonly method: string;
  readonly path: string;
  readonly session: string | undefined;
  readonly authorization: string | undefined;
  readonly rpc: string | undefined;
  readonly tool: string | undefined;
}

/** An HTTP+SSE server on loopback that misbehaves by the tool that is called, or at its stream. */
export interface SseFaults {
  readonly origin: string;
  readonly url: string;
  readonly seen: readonly SseSeen[];
  /** What its stream does: `good`, or one of the faults. */
  stream: 'good' | 'mute' | 'silent' | 'html' | 'unauthorized' | 'ends' | 'second endpoint';
  /** What it names as the address for messages. */
  endpoint: (session: string) => string;
  /** Without it, every request is answered 401. */
  token: string | undefined;
  /** The status with which it answers a message at the address of its stream. */
  refuse: number;
  /** Requests are answered on the stream, and then refused with 500. */
  refusesLate: boolean;
  /** Requests of messages are answered only on the stream. */
  clingy: boolean;
  /** Every message is answered 404 from now on, but for those of a new stream. */
  forgetSessions(): void;
  /** Streams that are open. */
  listeners(): number;
  /** How many requests are being answered, or never will be. */
  open(): number;
  close(): Promise<void>;
}

const text = (value: string) => ({ content: [{ type: 'text', text: value }] });
const messageOf = (body: object): string => JSON.stringify({ jsonrpc: '2.0', ...body });
const event = (body: object): string => `event: message\ndata: ${messageOf(body)}\n\n`;

interface Call {
  readonly id: number;
  readonly args: Record<string, unknown>;
  readonly session: string;
  /** The stream of its session. */
  readonly stream: ServerResponse;
  /** The request that brought it. */
  readonly response: ServerResponse;
}

const accept = (response: ServerResponse): void => void response.writeHead(202).end('Accepted');

const calls: Readonly<Record<string, (call: Call) => void>> = {
  good({ id, stream, response }) {
    accept(response);
    stream.write(event({ id, result: text('well') }));
  },
  unauthorized: ({ response }) =>
    response.writeHead(401, { 'www-authenticate': 'Bearer scope="read"' }).end(),
  forbidden: ({ response }) => response.writeHead(403).end('{"error":"insufficient scope"}'),
  fails: ({ response }) => response.writeHead(500).end('{"error":"out of order"}'),
  redirects: ({ response }) =>
    response.writeHead(307, { location: 'http://elsewhere.test/' }).end(),
  silent: ({ response }) => accept(response),
  drops({ stream, response }) {
    accept(response);
    stream.destroy();
  },
  ends_once({ id, session, stream, response }) {
    accept(response);
    if (session === 's1') stream.end();
    else stream.write(event({ id, result: text('second time') }));
  },
  untaken: ({ id, stream }) => stream.write(event({ id, result: text('well') })),
  nested({ stream, response }) {
    accept(response);
    stream.write(`data: ${nestedNothing}\n\n`);
  },
  large({ id, args, stream, response }) {
    accept(response);
    stream.write(event({ id, result: text('x'.repeat(Number(args['bytes']))) }));
  },
  torn({ id, stream, response }) {
    accept(response);
    void byteByByte(stream, Buffer.from(event({ id, result: text('töрn ✂') })), 1);
  },
  never_ends({ stream, response }) {
    accept(response);
    stream.write('data: {"jsonrpc":"2.0",');
    const timer = setInterval(() => stream.write(' '), 50);
    stream.once('close', () => clearInterval(timer));
  },
  malformed_event({ id, stream, response }) {
    accept(response);
    stream.write(`event: other\ndata: {}\n\nnonsense\n\ndata: {"half":\n\n`);
    stream.write(event({ id, result: text('well') }));
  },
};

async function byteByByte(stream: ServerResponse, bytes: Buffer, everyMs: number): Promise<void> {
  for (const byte of bytes) {
    stream.write(Buffer.of(byte));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export async function startSseFaults(): Promise<SseFaults> {
  const seen: SseSeen[] = [];
  const streams = new Map<string, ServerResponse>();
  let count = 0;
  let open = 0;
  const server = createServer((request, response) => {
    open += 1;
    response.once('close', () => (open -= 1));
    void handle(request, response);
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) return;
    const { pathname, searchParams } = new URL(request.url ?? '', faulty.origin);
    const message = (body === '' ? {} : JSON.parse(body)) as {
      id?: number;
      method?: string;
      params?: { name?: string; arguments?: Record<string, unknown>; protocolVersion?: string };
    };
    const { id, method, params = {} } = message;
    const session = searchParams.get('session') ?? undefined;
    seen.push({
      method: request.method ?? '',
      path: pathname,
      session,
      authorization: request.headers.authorization,
      rpc: method,
      tool: params.name,
    });
    if (faulty.token !== undefined && request.headers.authorization !== faulty.token) {
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
      return;
    }
    if (request.method === 'GET') {
      openStream(response);
      return;
    }
    if (pathname !== '/message') {
      response.writeHead(faulty.refuse).end();
      return;
    }
    const stream = streams.get(session ?? '');
    if (session === undefined || stream === undefined) {
      response.writeHead(404).end('{"error":"no such session"}');
    } else if (method === 'tools/call' && id !== undefined) {
      calls[params.name ?? '']?.({ id, args: params.arguments ?? {}, session, stream, response });
    } else {
      if (faulty.refusesLate && id !== undefined)
        setTimeout(() => response.writeHead(500).end(), 20);
      else if (!faulty.clingy || id === undefined) accept(response);
      if (id === undefined) return;
      const { protocolVersion } = params;
      const serverInfo = { name: 'fault', version: '1' };
      const result =
        method === 'initialize' ? { protocolVersion, capabilities: { tools: {} }, serverInfo } : {};
      stream.write(event({ id, result }));
    }
  }

  function openStream(response: ServerResponse): void {
    if (faulty.stream === 'mute') return;
    if (faulty.stream === 'unauthorized') {
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
      return;
    }
    if (faulty.stream === 'html') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Welcome</p>');
      return;
    }
    count += 1;
    const session = `s${count}`;
    streams.set(session, response);
    response.once('close', () => streams.delete(session));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (faulty.stream === 'ends') response.end();
    else if (faulty.stream === 'silent') response.write(': welcome\n\n');
    else response.write(`event: endpoint\ndata: ${faulty.endpoint(session)}\n\n`);
    if (faulty.stream === 'second endpoint')
      response.write('event: endpoint\ndata: /elsewhere\n\n');
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const faulty: SseFaults = {
    origin,
    url: `${origin}/sse`,
    seen,
    stream: 'good',
    endpoint: (session) => `/message?session=${session}`,
    token: undefined,
    refuse: 405,
    refusesLate: false,
    clingy: false,
    forgetSessions: () => streams.clear(),
    listeners: () => streams.size,
    open: () => open,
    async close() {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
  return faulty;
}
