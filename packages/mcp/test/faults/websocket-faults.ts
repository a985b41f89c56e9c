import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { nestedAnswer } from './nested.js';

/** A WebSocket server on loopback that misbehaves by the tool that is called, or at the upgrade. */
export interface WebSocketFaults {
  readonly url: string;
  /** The tools that were called, each with the number of its connection. */
  readonly calls: readonly string[];
  readonly authorizations: readonly (string | undefined)[];
  upgrade: 'good' | 'mute' | 'unauthorized' | 'forbidden' | 'redirects' | 'no subprotocol';
  /** Connections that are open. */
  open(): number;
  close(): Promise<void>;
}

const text = (value: string) => ({ content: [{ type: 'text', text: value }] });
const answer = (id: number, result: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result });

interface Call {
  readonly id: number;
  readonly args: Record<string, unknown>;
  readonly socket: WebSocket;
  /** Under the frames. */
  readonly stream: Socket;
  readonly connection: number;
}

const calls: Readonly<Record<string, (call: Call) => void>> = {
  good: ({ id, socket }) => socket.send(answer(id, text('well'))),
  breaks: ({ stream }) => stream.resetAndDestroy(),
  breaks_once({ id, connection, socket, stream }) {
    if (connection === 1) stream.destroy();
    else socket.send(answer(id, text('second time')));
  },
  closes: ({ args, socket }) => socket.close(Number(args['code']), String(args['reason'])),
  large: ({ id, args, socket }) => socket.send(answer(id, text('x'.repeat(Number(args['bytes']))))),
  announces({ stream }) {
    // A frame of 4 GiB, of which nothing follows.
    stream.write(Buffer.from([0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0]));
  },
  never_ends({ stream }) {
    stream.write(Buffer.from([0x81, 126, 0x10, 0x00]));
    const timer = setInterval(() => stream.write(' '), 50);
    stream.once('close', () => clearInterval(timer));
  },
  no_frame: ({ stream }) => stream.write('HTTP/1.1 200 OK\r\n\r\n'),
  not_utf8: ({ stream }) => stream.write(Buffer.from([0x81, 2, 0xff, 0xfe])),
  noise({ id, socket }) {
    socket.send('hello');
    socket.send(Buffer.from([1, 2, 3]));
    socket.send('42');
    socket.send(answer(id, text('well')));
  },
  fragments({ id, socket }) {
    const parts = answer(id, text('in parts')).match(/.{1,7}/gs) ?? [];
    parts.forEach((part, index) => {
      socket.ping();
      socket.send(part, { fin: index === parts.length - 1 });
    });
  },
  nested: ({ socket }) => socket.send(nestedAnswer),
  silent: () => undefined,
  gone: ({ socket }) => socket.pause(),
};

export async function startWebSocketFaults(): Promise<WebSocketFaults> {
  const sockets = new WebSocketServer({
    noServer: true,
    autoPong: true,
    handleProtocols: () => (faulty.upgrade === 'no subprotocol' ? false : 'mcp'),
  });
  const streams = new Set<Socket>();
  const called: string[] = [];
  const authorizations: (string | undefined)[] = [];
  let count = 0;
  const server = createServer();
  server.on('connection', (stream) => {
    streams.add(stream);
    stream.on('error', () => undefined);
    stream.once('close', () => streams.delete(stream));
  });
  server.on('upgrade', (request: IncomingMessage, stream: Socket, head: Buffer) => {
    authorizations.push(request.headers.authorization);
    const refuse = (head: string) => stream.end(`HTTP/1.1 ${head}\r\nconnection: close\r\n\r\n`);
    if (faulty.upgrade === 'mute') {
      stream.once('end', () => stream.end()).resume(); // to see when its client is gone
      return;
    }
    if (faulty.upgrade === 'unauthorized')
      refuse('401 Unauthorized\r\nwww-authenticate: Bearer scope="read"');
    else if (faulty.upgrade === 'forbidden') refuse('403 Forbidden');
    else if (faulty.upgrade === 'redirects')
      refuse('307 Elsewhere\r\nlocation: ws://elsewhere.test/');
    else sockets.handleUpgrade(request, stream, head, (socket) => serve(socket, stream));
  });

  function serve(socket: WebSocket, stream: Socket): void {
    count += 1;
    const connection = count;
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      const { id, method, params } = JSON.parse(data.toString()) as {
        id?: number;
        method: string;
        params: { name: string; arguments: Record<string, unknown>; protocolVersion: string };
      };
      if (id === undefined) return;
      if (method === 'tools/call') {
        called.push(`${params.name} ${connection}`);
        calls[params.name]?.({ id, args: params.arguments, socket, stream, connection });
        return;
      }
      const serverInfo = { name: 'fault', version: '1' };
      const { protocolVersion } = params;
      const result =
        method === 'initialize' ? { protocolVersion, capabilities: { tools: {} }, serverInfo } : {};
      socket.send(answer(id, result));
    });
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const faulty: WebSocketFaults = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    calls: called,
    authorizations,
    upgrade: 'good',
    open: () => streams.size,
    async close() {
      for (const stream of streams) stream.destroy();
      sockets.close();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
  return faulty;
}
