import type { ProcessOwner } from '@orch/process';
import type { SpillPlace } from '../spill/spill.js';
import type { HttpAuth, HttpAuthorizer } from '../transport/http-auth.js';
import { HttpOrSseTransport } from '../transport/http-or-sse.js';
import { SseTransport } from '../transport/sse.js';
import { openStdio } from '../transport/stdio.js';
import { StreamableHttpTransport } from '../transport/streamable-http.js';
import type { Transport, WireEvents } from '../transport/transport.js';
import { openWebSocket } from '../transport/websocket.js';
import type { CheckedServer } from './server-spec.js';

export interface OpeningOptions {
  readonly name: string;
  readonly server: CheckedServer;
  /** Where its messages go that are too large for memory. */
  readonly spill: SpillPlace | undefined;
  readonly owner: () => ProcessOwner;
}

/** What opens a new transport to the server for each connection, in the way that its spec asks for. */
export function opening(options: OpeningOptions): (events: WireEvents) => Promise<Transport> {
  const { name, server, spill, owner } = options;
  // Kept over all connections, with its tokens.
  const authorizerOf = (auth: HttpAuth | undefined, url: URL): HttpAuthorizer | undefined =>
    auth?.forServer({ name, url });
  switch (server.type) {
    case 'stdio':
      return (events) => openStdio(owner(), { ...server, spill }, events);
    case 'http': {
      const authorizer = authorizerOf(server.auth, server.url);
      const Http = server.fallback === 'sse' ? HttpOrSseTransport : StreamableHttpTransport;
      return (events) => Promise.resolve(new Http({ name, ...server, spill, authorizer }, events));
    }
    case 'sse': {
      const authorizer = authorizerOf(server.auth, server.url);
      return (events) =>
        Promise.resolve(new SseTransport({ name, ...server, spill, authorizer }, events));
    }
    case 'ws':
      return (events) => openWebSocket({ name, ...server, spill }, events);
    case 'custom':
      return async (events) => server.open(events);
  }
}

/** Says which server it is, for what is remembered of it. */
export function addressOf(server: CheckedServer): string {
  if (server.type === 'stdio') return server.argv.join(' ');
  return server.type === 'custom' ? '' : server.url.href;
}
