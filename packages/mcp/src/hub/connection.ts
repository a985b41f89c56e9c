import type { ClientAnswers, CreateEngine, Engine, Handshake } from '../engine/engine.js';
import { excerpt, type JsonObject } from '../json.js';
import { McpError, type McpErrorCode } from '../mcp-error.js';
import { firstId, Peer } from '../protocol/peer.js';
import { forgetSpilled } from '../spill/spill.js';
import { unreadable } from '../transport/failure.js';
import { howItEnded } from '../transport/stdio.js';
import { headersOf } from '../protocol/envelope.js';
import { StatefulSession, type Session } from '../session/session.js';
import { StatelessSession } from '../session/stateless-session.js';
import type {
  OpenWire,
  Remains,
  RequestId,
  Transport,
  WireEvents,
} from '../transport/transport.js';

export interface ConnectionOptions {
  readonly name: string;
  /** Its name and what it is, for what the engine keeps of it. */
  readonly identity: string;
  readonly open: OpenWire;
  readonly createEngine: CreateEngine;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly answers: ClientAnswers;
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
  /** It is not wanted any more, ready or not. */
  readonly signal: AbortSignal;
}

/** One transport, one peer and one handshake. When any of them fails, a whole new one is made. */
export interface Connection {
  readonly session: Session;
  readonly handshake: Handshake;
  close(error: McpError): Promise<void>;
}

/** How long what is being opened, and was told that nobody wants it, is waited for. */
const openingGraceMs = 1000;

/** Node fires a timer above this at once. */
const longestTimerMs = 2 ** 31 - 1;

/** What is told as it is, because the caller can do something about it. */
const telling: ReadonlySet<McpErrorCode> = new Set([
  'ORCH_MCP_START',
  'ORCH_MCP_AUTH',
  'ORCH_MCP_OAUTH',
  'ORCH_MCP_TOO_LARGE',
  'ORCH_MCP_HEADERS',
  'ORCH_MCP_RECORDING',
]);

/** Rejects with `ORCH_MCP_START`, `_AUTH`, `_OAUTH` or `_TOO_LARGE`; then nothing is left of it. */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { name } = options;
  let transport: Transport | undefined;
  let engine: Engine | undefined;
  const living = new AbortController();
  let isReady = false;
  let isOver = false;
  let fail: (error: McpError) => void = () => undefined;
  const failing = new Promise<never>((_resolve, reject) => (fail = reject));
  failing.catch(() => undefined);

  async function dispose(error: McpError): Promise<Remains> {
    isOver = true;
    living.abort(error);
    session.close();
    peer.end(error);
    await engine?.close().catch(() => undefined);
    await openingEnds();
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
      await session.ping({ timeoutMs: options.pingMs });
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
  const answers: ClientAnswers = {
    ...options.answers,
    async answer(method, params, signal) {
      // While the server waits for us, it is not the one who is silent.
      const release = peer.hold();
      try {
        const either = AbortSignal.any([signal, living.signal]);
        return await options.answers.answer(method, params, either);
      } finally {
        release();
      }
    },
  };
  let session: Session = new StatefulSession(peer);
  const failed = (id: RequestId, error: McpError): void => {
    if (typeof id === 'number' && id >= firstId) peer.failed(id, error);
    else if (engine?.failed?.(id, error) !== true) broke(error);
  };
  const events: WireEvents = {
    message(message) {
      heardMs = performance.now();
      // What is thrown here nobody would catch: it comes from a socket, and would end the process.
      try {
        peer.receive(message);
      } catch (cause) {
        broke(unreadable(name, cause));
      }
    },
    noise: (text) => options.noise(excerpt(text)),
    missed: () => options.missed(),
    waitsForPerson(id, isWaiting) {
      if (typeof id === 'number' && id >= firstId) peer.waitsForPerson(id, isWaiting);
      else if (isWaiting) clearTimeout(timer);
      else if (!isReady && !isOver) startTimer();
    },
    failed,
    closed: broke,
    oversized(message) {
      heardMs = performance.now();
      try {
        if ('error' in message) {
          if (message.id === undefined) options.noise(excerpt(message.error.message, 1000));
          else failed(message.id, message.error);
        } else if (!peer.answeredInFile(message.id, message.result)) forgetSpilled(message.result);
      } catch (cause) {
        broke(unreadable(name, cause));
      }
    },
  };

  /** What is opened too late is closed at once. */
  async function open(): Promise<Transport> {
    const opened = await options.open(events, living.signal);
    if (isOver) await opened.close();
    else transport = opened;
    return opened;
  }
  let opening: Promise<Transport> | undefined;
  /** So that nothing of it is left, unless it heeds no signal. */
  async function openingEnds(): Promise<void> {
    let patience: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      patience = setTimeout(resolve, openingGraceMs);
    });
    await Promise.race([opening?.catch(() => undefined), enough]);
    clearTimeout(patience);
  }

  let timer: NodeJS.Timeout | undefined;
  let tellLate: (error: McpError) => void = () => undefined;
  const late = new Promise<never>((_resolve, reject) => (tellLate = reject));
  late.catch(() => undefined);
  const startTimer = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const why = `${name} was not ready after ${options.startMs} ms; see startMs`;
      tellLate(new McpError('ORCH_MCP_START', why));
    }, options.startMs);
  };
  startTimer();
  const stop = (): void =>
    fail(new McpError('ORCH_MCP_CLOSED', `${name} was closed before it was ready.`));
  options.signal.addEventListener('abort', stop, { once: true });
  if (options.signal.aborted) stop();
  try {
    engine = await Promise.race([options.createEngine(), late, failing]);
    opening = open();
    const opened = await Promise.race([opening, late, failing]);
    peer.speakOver(opened);
    const shaking = engine.handshake({
      clientInfo: options.clientInfo,
      answers,
      timeoutMs: longestTimerMs, // the time of the start is measured here
      server: options.identity,
      hasStreams: opened.hasStreams === true,
      forget: (id) => opened.forget(id),
      async send(message) {
        const { id, method, params } = message;
        const isRequest =
          method !== undefined && (typeof id === 'number' || typeof id === 'string');
        const headers = typeof method === 'string' ? headersOf(method, params) : undefined;
        await opened.send(JSON.stringify(message), isRequest ? id : undefined, headers);
      },
    });
    const handshake = await Promise.race([shaking, late, failing]);
    isReady = true;
    const { stateless } = engine;
    opened.ready(handshake.protocolVersion, stateless !== undefined);
    // What a server asks in the first call may come there.
    await opened.listening;
    if (stateless !== undefined)
      session = new StatelessSession({
        name,
        peer,
        stateless,
        capabilities: handshake.capabilities,
        answers,
        totalMs: options.totalMs,
        carriesHeaders: opened.hasStreams === true,
        noise: (text) => options.noise(text),
        missed: () => options.missed(),
      });
    return {
      session,
      handshake,
      async close(error) {
        await dispose(error);
      },
    };
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    const closing = new McpError('ORCH_MCP_CLOSED', `${name} is being ended.`);
    const mayTryAgain = transport !== undefined && engine?.mayTryAgain?.(error) === true;
    const remains = await dispose(closing);
    if (mayTryAgain) return await openConnection(options);
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
    options.signal.removeEventListener('abort', stop);
  }
}
