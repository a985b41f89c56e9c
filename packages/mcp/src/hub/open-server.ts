import type { ProcessOwner } from '@orch/process';
import { HttpOrSseTransport } from '../transport/http-or-sse.js';
import { SseTransport } from '../transport/sse.js';
import { openStdio } from '../transport/stdio.js';
import { StreamableHttpTransport } from '../transport/streamable-http.js';
import type { Transport, TransportEvents } from '../transport/transport.js';
import { openWebSocket } from '../transport/websocket.js';
import type { CheckedServer } from './server-spec.js';

/** Opens the transport that the server's spec asks for. */
export async function openServer(
  name: string,
  server: CheckedServer,
  owner: () => ProcessOwner,
  events: TransportEvents,
): Promise<Transport> {
  switch (server.type) {
    case 'stdio':
      return openStdio(owner(), server, events);
    case 'http':
      return server.fallback === 'sse'
        ? new HttpOrSseTransport({ name, ...server }, events)
        : new StreamableHttpTransport({ name, ...server }, events);
    case 'sse':
      return new SseTransport({ name, ...server }, events);
    case 'ws':
      return openWebSocket({ name, ...server }, events);
    case 'custom':
      return server.open(events);
  }
}
