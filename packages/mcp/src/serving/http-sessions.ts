import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { JsonObject } from '../json.js';
import { HttpReply } from './http-reply.js';
import { noReply } from './reply.js';
import { Session } from './session.js';
import type { Caller, McpService } from './service.js';

/** Who was let in: what is served to him, and what all his sessions are known by. */
export interface Entrant {
  readonly principal: string;
  readonly caller: Caller;
  readonly service: McpService;
}

export interface SessionLimits {
  /** Of one entrant; the one that was idle longest makes room. */
  readonly sessionsMost: number;
  /** A session without a request or a stream ends after so long. */
  readonly sessionIdleMs: number;
  /** Requests at once, of one session. */
  readonly requestsMost: number;
}

/** Streams that may be taken up again, of one session. */
const streamsMost = 64;

/** A session over HTTP: its streams, of which the first, 0, is for what is said unasked. */
export class HttpSession {
  readonly id = randomBytes(24).toString('base64url');
  readonly entrant: Entrant;
  readonly session: Session;
  usedMs = performance.now();
  readonly #streams = new Map<number, HttpReply>();
  readonly #unasked = new HttpReply(undefined, { stream: 0, over: () => undefined });
  #next = 1;
  #listening: ServerResponse | undefined;

  constructor(entrant: Entrant, requestsMost: number) {
    this.entrant = entrant;
    this.session = new Session({
      service: entrant.service,
      caller: entrant.caller,
      requestsMost,
      unasked: (message) => this.#say(message),
    });
  }

  get isIdle(): boolean {
    return this.session.isIdle && this.#listening === undefined;
  }

  /** A message that gets no answer. */
  hear(message: JsonObject): void {
    this.usedMs = performance.now();
    this.session.receive(message, noReply);
  }

  request(message: JsonObject, response: ServerResponse): void {
    this.usedMs = performance.now();
    const stream = this.#next;
    this.#next += 1;
    const reply = new HttpReply(response, {
      stream,
      over: () => {
        this.usedMs = performance.now();
      },
    });
    this.#streams.set(stream, reply);
    response.once('close', () => {
      if (reply.isDone) this.#streams.delete(stream);
    });
    if (this.#streams.size > streamsMost) this.#forgetOne();
    this.session.receive(message, reply);
  }

  /** For what is said unasked; the newest listener replaces the one before. */
  listen(response: ServerResponse, lastEventId: string | undefined): void {
    const [stream, after] = (lastEventId ?? '0-0').split('-').map(Number);
    const reply = stream === 0 ? this.#unasked : this.#streams.get(stream ?? -1);
    if (reply === undefined) {
      response.writeHead(404).end();
      return;
    }
    if (stream === 0) {
      this.#listening = response;
      response.once('close', () => {
        if (this.#listening === response) this.#listening = undefined;
        this.usedMs = performance.now();
      });
    } else
      response.once('close', () => {
        if (reply.isDone) this.#streams.delete(stream ?? -1);
      });
    reply.resume(response, after ?? 0);
  }

  close(): void {
    this.session.close();
    for (const reply of [...this.#streams.values(), this.#unasked]) reply.destroy();
    this.#streams.clear();
  }

  /** A listener that does not read is sent away: it comes back, and reads its lists anew. */
  #say(message: JsonObject): void {
    if (this.#unasked.isFull) this.#listening?.destroy();
    else this.#unasked.send(message);
  }

  /** Of those that were answered to nobody, the oldest. */
  #forgetOne(): void {
    for (const [stream, reply] of this.#streams) {
      if (!reply.isOver) continue;
      this.#streams.delete(stream);
      return;
    }
  }
}

/** All sessions of an endpoint, by their ids, of which each is good for its own entrant alone. */
export class HttpSessions {
  readonly #limits: SessionLimits;
  readonly #sessions = new Map<string, HttpSession>();
  readonly #timer: NodeJS.Timeout;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
    const everyMs = Math.min(limits.sessionIdleMs, 30_000);
    this.#timer = setInterval(() => this.#sweep(), everyMs).unref();
  }

  begin(entrant: Entrant): HttpSession {
    const own = [...this.#sessions.values()].filter(
      (one) => one.entrant.principal === entrant.principal,
    );
    if (own.length >= this.#limits.sessionsMost) {
      const [oldest] = own.sort(
        (a, b) => Number(b.isIdle) - Number(a.isIdle) || a.usedMs - b.usedMs,
      );
      if (oldest !== undefined) this.end(oldest);
    }
    const session = new HttpSession(entrant, this.#limits.requestsMost);
    this.#sessions.set(session.id, session);
    return session;
  }

  find(id: string): HttpSession | undefined {
    return this.#sessions.get(id);
  }

  end(session: HttpSession): void {
    this.#sessions.delete(session.id);
    session.close();
  }

  /** All of one entrant, or of everybody. */
  endAll(principal?: string): void {
    for (const session of [...this.#sessions.values()])
      if (principal === undefined || session.entrant.principal === principal) this.end(session);
  }

  close(): void {
    clearInterval(this.#timer);
    this.endAll();
  }

  #sweep(): void {
    const before = performance.now() - this.#limits.sessionIdleMs;
    for (const session of [...this.#sessions.values()])
      if (session.isIdle && session.usedMs < before) this.end(session);
  }
}
