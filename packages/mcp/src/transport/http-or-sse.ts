import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { SseTransport } from './sse.js';
import { StreamableHttpTransport, type HttpOptions } from './streamable-http.js';
import type { Remains, RequestId, Transport, WireEvents } from './transport.js';

/** What servers of before Streamable HTTP answer to a message posted to the address of their stream. */
const notHere: ReadonlySet<unknown> = new Set([400, 404, 405]);

/** What was asked before it is of newer revisions, and its refusal is no sign of an older transport. */
const isInitialize = (text: string): boolean =>
  (JSON.parse(text) as JsonObject)['method'] === 'initialize';

/**
 * Streamable HTTP, or HTTP+SSE at the same address if `initialize` is refused as one that is not expected there:
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#backwards-compatibility
 */
export class HttpOrSseTransport implements Transport {
  readonly #options: HttpOptions;
  readonly #events: WireEvents;
  #way: Transport;
  /** Its first `initialize`, until that is answered in any way. */
  #first: { readonly text: string; readonly id: RequestId } | undefined;
  #begun = false;
  #closing: Promise<Remains> | undefined;

  constructor(options: HttpOptions, events: WireEvents) {
    this.#options = options;
    this.#events = events;
    this.#way = new StreamableHttpTransport(options, {
      ...events,
      message: (message) => {
        this.#first = undefined;
        events.message(message);
      },
      failed: (id, error) => {
        if (!this.#fallsBack(id, error)) events.failed(id, error);
      },
    });
  }

  get hasStreams(): boolean {
    return this.#way.hasStreams === true;
  }

  send(
    text: string,
    id?: RequestId,
    headers?: Readonly<Record<string, string>>,
  ): Promise<void> | undefined {
    if (!this.#begun && id !== undefined && isInitialize(text)) {
      this.#begun = true;
      this.#first = { text, id };
    }
    return this.#way.send(text, id, headers);
  }

  forget(id: RequestId): void {
    this.#way.forget(id);
  }

  ready(protocolVersion: string, isStateless: boolean): void {
    this.#way.ready(protocolVersion, isStateless);
  }

  close(): Promise<Remains> {
    this.#closing ??= this.#way.close();
    return this.#closing;
  }

  #fallsBack(id: RequestId, refused: McpError): boolean {
    const first = this.#first;
    this.#first = undefined;
    if (first?.id !== id || this.#closing !== undefined) return false;
    const { status } = refused.details;
    if (refused.code !== 'ORCH_MCP_HTTP' || !notHere.has(status)) return false;
    void this.#way.close();
    this.#way = new SseTransport(this.#options, {
      ...this.#events,
      closed: (error) => {
        const message = `${error.message} Before that, it answered ${String(status)} to Streamable HTTP.`;
        const { details } = error;
        this.#events.closed(new McpError(error.code, message, { details, cause: error }));
      },
    });
    void this.#way.send(first.text, id);
    return true;
  }
}
