import type { CreateEngine, Engine, Handshake } from '../engine/engine.js';
import { excerpt, type JsonObject } from '../json.js';
import { McpError, type McpErrorCode } from '../mcp-error.js';
import { firstId, Peer } from '../protocol/peer.js';
import { howItEnded } from '../transport/stdio.js';
import type { OpenTransport, Remains, RequestId, Transport } from '../transport/transport.js';

export interface ConnectionOptions {
  readonly name: string;
  readonly open: OpenTransport;
  readonly createEngine: CreateEngine;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly roots: readonly string[];
  readonly startMs: number;
  readonly timeoutMs: number;
  readonly totalMs: number;
  readonly pingMs: number;
  notified(method: string, params: JsonObject): void;
  noise(text: string): void;
  /** What the server said unasked until now may have been lost. */
  missed(): void;
  /** Told once, and not after `close()`. */
  closed(error: McpError): void;
}

/** One transport, one peer and one handshake. When any of them fails, a whole new one is made. */
export interface Connection {
  readonly peer: Peer;
  readonly handshake: Handshake;
  close(error: McpError): Promise<void>;
}

/** What is told as it is, because the caller can do something about it. */
const telling: ReadonlySet<McpErrorCode> = new Set([
  'ORCH_MCP_START',
  'ORCH_MCP_AUTH',
  'ORCH_MCP_TOO_LARGE',
  'ORCH_MCP_RECORDING',
]);

/** Rejects with `ORCH_MCP_START`, `_AUTH` or `_TOO_LARGE`; then nothing is left of it. */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { name } = options;
  let transport: Transport | undefined;
  let engine: Engine | undefined;
  let isReady = false;
  let isOver = false;
  let fail: (error: McpError) => void = () => undefined;
  const failing = new Promise<never>((_resolve, reject) => (fail = reject));
  failing.catch(() => undefined);

  async function dispose(error: McpError): Promise<Remains> {
    isOver = true;
    peer.end(error);
    await engine?.close().catch(() => undefined);
    return (await transport?.close()) ?? {};
  }

  function broke(error: McpError): void {
    if (isOver) return;
    if (!isReady) {
      fail(error);
      return;
    }
    void dispose(error);
    options.closed(error);
  }

  /** Who does not answer a request may be at work, or dead: a ping tells. */
  let probing = false;
  let heardMs = 0;
  async function probe(): Promise<void> {
    if (probing || isOver) return;
    probing = true;
    const askedMs = performance.now();
    try {
      await peer.request('ping', {}, { timeoutMs: options.pingMs });
    } catch (cause) {
      // Any other failure is an answer of a kind, and whatever it said meanwhile is one too.
      const isSilent = McpError.isInstance(cause) && cause.code === 'ORCH_MCP_TIMEOUT';
      if (!isSilent || heardMs > askedMs) return;
      broke(
        new McpError(
          'ORCH_MCP_CLOSED',
          `${name} answered neither a request nor a ping, so its connection was ended. It is opened again for the next call.`,
          { cause },
        ),
      );
    } finally {
      probing = false;
    }
  }

  const peer = new Peer({
    name,
    timeoutMs: options.timeoutMs,
    totalMs: options.totalMs,
    notified: (method, params) => options.notified(method, params),
    other: (message) => engine?.receive(message),
    timedOut: () => void probe(),
  });
  const failed = (id: RequestId, error: McpError): void => {
    if (typeof id === 'number' && id >= firstId) peer.failed(id, error);
    else broke(error);
  };
  const events = {
    message(message: JsonObject) {
      heardMs = performance.now();
      peer.receive(message);
    },
    noise: (text: string) => options.noise(excerpt(text)),
    missed: () => options.missed(),
    failed,
    closed: broke,
  };

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new McpError(
          'ORCH_MCP_START',
          `${name} was not ready after ${options.startMs} ms; see startMs`,
        ),
      );
    }, options.startMs);
  });
  late.catch(() => undefined);
  try {
    engine = await options.createEngine();
    transport = await options.open(events);
    const opened = transport;
    peer.speakOver(opened);
    const shaking = engine.handshake({
      clientInfo: options.clientInfo,
      roots: options.roots,
      timeoutMs: options.startMs,
      async send(message) {
        const id = 'method' in message ? message['id'] : undefined;
        const isRequest = typeof id === 'number' || typeof id === 'string';
        await opened.send(JSON.stringify(message), isRequest ? id : undefined);
      },
    });
    const handshake = await Promise.race([shaking, late, failing]);
    isReady = true;
    opened.ready(handshake.protocolVersion);
    return {
      peer,
      handshake,
      async close(error) {
        await dispose(error);
      },
    };
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    const closing = new McpError('ORCH_MCP_CLOSED', `${name} is being ended.`);
    const remains = await dispose(closing);
    if (McpError.isInstance(error) && telling.has(error.code) && transport === undefined)
      throw error;
    const known = McpError.isInstance(error);
    const details = { ...remains, ...(known && error.details) };
    const code = known && telling.has(error.code) ? error.code : 'ORCH_MCP_START';
    const why = excerpt(error.message, 1000);
    throw new McpError(
      code,
      `${name} could not be connected: ${why}${known && 'stderr' in error.details ? '' : howItEnded(remains)}`,
      { details, cause },
    );
  } finally {
    clearTimeout(timer);
  }
}
