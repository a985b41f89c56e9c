import type { ProcessOwner } from '@orch/process';
import { unlessAborted } from '../on-abort.js';
import type { SpillPlace } from '../spill/spill.js';
import type { HttpAuth, HttpAuthorizer } from '../transport/http-auth.js';
import { HttpOrSseTransport } from '../transport/http-or-sse.js';
import { SseTransport } from '../transport/sse.js';
import { openStdio } from '../transport/stdio.js';
import { StreamableHttpTransport } from '../transport/streamable-http.js';
import type { OpenTransport, OpenWire } from '../transport/transport.js';
import { openWebSocket } from '../transport/websocket.js';
import type { Redactor } from '../safety/redaction.js';
import { headersFrom } from './headers-helper.js';
import type { CheckedServer, HeadersHelper } from './server-spec.js';

export interface OpeningOptions {
  readonly name: string;
  readonly server: CheckedServer;
  /** Where its messages go that are too large for memory. */
  readonly spill: SpillPlace | undefined;
  readonly owner: () => ProcessOwner;
  /** Learns the headers that a program prints. */
  readonly redactor: Redactor;
}

interface Addressed {
  readonly headers: Readonly<Record<string, string>>;
  readonly headersHelper: HeadersHelper | undefined;
}

/** What opens a new transport to the server for each connection, in the way that its spec asks for. */
export function opening(options: OpeningOptions): OpenWire {
  const { name, server, spill, owner, redactor } = options;
  // Kept over all connections, with its tokens.
  const authorizerOf = (auth: HttpAuth | undefined, url: URL): HttpAuthorizer | undefined =>
    auth && telling(auth.forServer({ name, url }), redactor);
  /** The server with the headers that its program prints for this connection. */
  async function withHeaders<S extends Addressed>(addressed: S, signal?: AbortSignal): Promise<S> {
    const { headers, headersHelper } = addressed;
    if (headersHelper === undefined) return addressed;
    const printed = await headersFrom(owner(), name, headersHelper, signal);
    redactor.add(Object.values(printed));
    return { ...addressed, headers: { ...headers, ...printed } };
  }
  switch (server.type) {
    case 'stdio':
      return (events) => openStdio(owner(), { ...server, spill }, events, redactor.text);
    case 'http': {
      const authorizer = authorizerOf(server.auth, server.url);
      const Http = server.fallback === 'sse' ? HttpOrSseTransport : StreamableHttpTransport;
      return async (events, signal) =>
        new Http({ name, ...(await withHeaders(server, signal)), spill, authorizer }, events);
    }
    case 'sse': {
      const authorizer = authorizerOf(server.auth, server.url);
      return async (events, signal) =>
        new SseTransport(
          { name, ...(await withHeaders(server, signal)), spill, authorizer },
          events,
        );
    }
    case 'ws': {
      const authorizer = authorizerOf(server.auth, server.url);
      return async (events, signal) =>
        openWebSocket({ name, ...(await withHeaders(server, signal)), spill, authorizer }, events);
    }
    case 'custom':
      return unlessUnwanted(name, server.open);
  }
}

/** An `open` of the user's own knows of no signal. What it opens for nobody is closed when it comes. */
function unlessUnwanted(name: string, open: OpenTransport): OpenWire {
  return async (events, signal) => {
    const opening = Promise.resolve(open(events));
    if (signal === undefined) return opening;
    try {
      return await unlessAborted(opening, signal, `Opening ${name}`);
    } catch (error) {
      if (signal.aborted) opening.then((late) => late.close()).catch(() => undefined);
      throw error;
    }
  };
}

/** Lets the redactor know each token before it is sent: a server may quote it. */
function telling(authorizer: HttpAuthorizer, redactor: Redactor): HttpAuthorizer {
  let known: string | undefined;
  return {
    async authorize(request) {
      const headers = await authorizer.authorize(request);
      const { authorization } = headers;
      if (authorization !== undefined && authorization !== known) redactor.add([authorization]);
      known = authorization;
      return headers;
    },
    challenged: (request, answer) => authorizer.challenged(request, answer),
    answered: (request, answer) => authorizer.answered?.(request, answer),
  };
}

/** Says which server it is, for what is remembered of it. */
export function addressOf(server: CheckedServer): string {
  if (server.type === 'stdio') return server.argv.join(' ');
  return server.type === 'custom' ? '' : server.url.href;
}
