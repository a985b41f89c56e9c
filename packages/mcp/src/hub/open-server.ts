import type { ProcessOwner } from '@orch/process';
import { HttpOrSseTransport } from '../transport/http-or-sse.js';
import { SseTransport } from '../transport/sse.js';
import { openStdio } from '../transport/stdio.js';
import { StreamableHttpTransport } from '../transport/streamable-http.js';
import type { Transport, WireEvents } from '../transport/transport.js';
import { openWebSocket } from '../transport/websocket.js';
import type { SpillPlace } from '../spill/spill.js';
import type { CheckedServer } from './server-spec.js';

/** Opens the transport that the server's spec asks for. */
export async function openServer(
  name: string,
  server: CheckedServer,
  spill: SpillPlace | undefined,
  owner: () => ProcessOwner,
  events: WireEvents,
): Promise<Transport> {
  switch (server.type) {
    case 'stdio':
      return openStdio(owner(), { ...server, spill }, events);
    case 'http':
      return server.fallback === 'sse'
        ? new HttpOrSseTransport({ name, ...server, spill }, events)
        : new StreamableHttpTransport({ name, ...server, spill }, events);
    case 'sse':
      return new SseTransport({ name, ...server, spill }, events);
    case 'ws':
      return openWebSocket({ name, ...server, spill }, events);
    case 'custom':
      return server.open(events);
  }
}
