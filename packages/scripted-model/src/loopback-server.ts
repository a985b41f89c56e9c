import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, ScriptedModelError } from './errors.js';

const HOST = '127.0.0.1';

/** An HTTP server that only this machine reaches. */
export interface LoopbackServer {
  /** Throws LISTEN_FAILED. */
  listen(port: number): Promise<{ readonly url: string }>;
  /** Drops every connection and stops. */
  close(): Promise<void>;
}

/** `handle` gets a signal that aborts when the client goes away or the server closes. */
export function createLoopbackServer(
  handle: (
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ) => Promise<void>,
): LoopbackServer {
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    response.on('error', () => gone.abort());
    void handle(request, response, gone.signal);
  });
  // Agents keep connections for longer than Node's five seconds between two turns.
  server.keepAliveTimeout = 120_000;
  let listening = false;

  return {
    listen: (port) =>
      new Promise((resolve, reject) => {
        const failed = (why: string, cause?: unknown) => {
          reject(
            new ScriptedModelError(
              'ORCH_SCRIPTED_MODEL_LISTEN_FAILED',
              `the scripted model could not listen on ${HOST}:${port}: ${why}; use port 0 for a free one`,
              { host: HOST, port },
              { cause },
            ),
          );
        };
        if (listening) {
          failed('it listens already');
          return;
        }
        const onError = (error: Error) => {
          listening = false;
          failed(messageOf(error), error);
        };
        listening = true;
        server.once('error', onError);
        server.listen(port, HOST, () => {
          server.off('error', onError);
          resolve({ url: `http://${HOST}:${(server.address() as AddressInfo).port}` });
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
