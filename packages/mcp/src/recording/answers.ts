import { excerpt, isJsonObject, type Json, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { RecordedLine } from './recording.js';

/** What the server did about one message of the client. */
interface Exchange {
  readonly kind: 'request' | 'notification' | 'answer';
  readonly method: string;
  /** What must be equal for it to be the same question. */
  readonly question: string;
  readonly id: unknown;
  readonly followed: RecordedLine[];
  used: boolean;
}

/** With keys in one order, and without the token that each request has of its own. */
export function canonical(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonical).join()}]`;
  if (!isJsonObject(value)) return JSON.stringify(value ?? null);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`);
  return `{${fields.join()}}`;
}

/** A client may say of itself what it likes; of the rest, all but the progress token counts. */
function questionOf(message: JsonObject): string {
  const { method, params } = message;
  if (method === 'initialize' || !isJsonObject(params)) return '{}';
  const { _meta: meta, ...rest } = params;
  if (!isJsonObject(meta)) return canonical(rest);
  const { progressToken: _token, ...other } = meta;
  return canonical(Object.keys(other).length === 0 ? rest : { ...rest, _meta: other });
}

const kindOf = ({ method, id }: JsonObject): Exchange['kind'] =>
  typeof method !== 'string' ? 'answer' : id === undefined ? 'notification' : 'request';

/**
 * The answers of one recorded connection. Each request is answered as it was recorded, the same question in the order in
 * which it was asked; what the server said unasked follows the message that it followed then.
 */
export class RecordedAnswers {
  readonly #server: string;
  readonly #exchanges: Exchange[] = [];
  /** What the server said before it was asked anything. */
  readonly greeting: readonly RecordedLine[];

  constructor(server: string, lines: readonly RecordedLine[]) {
    this.#server = server;
    const greeting: RecordedLine[] = [];
    const byId = new Map<unknown, Exchange>();
    let last = greeting;
    for (const line of lines) {
      if (line.type === 'sent') {
        const { message } = line;
        const { method, id } = message;
        const exchange: Exchange = {
          kind: kindOf(message),
          method: typeof method === 'string' ? method : '',
          question: questionOf(message),
          id,
          followed: [],
          used: false,
        };
        this.#exchanges.push(exchange);
        if (exchange.kind === 'request') byId.set(id, exchange);
        last = exchange.followed;
      } else if (line.type === 'received') {
        (byId.get(ofRequest(line.message))?.followed ?? last).push(line);
      } else if (line.type === 'failed') {
        (byId.get(line.id)?.followed ?? last).push(line);
      } else if (line.type === 'closed' && line.code !== undefined) last.push(line);
    }
    this.greeting = greeting;
  }

  /**
   * What followed this message, with the ids that it has now. Throws `ORCH_MCP_RECORDING` for a request that is not in
   * the recording, or not as often.
   */
  take(message: JsonObject): readonly RecordedLine[] {
    const kind = kindOf(message);
    const method = typeof message['method'] === 'string' ? message['method'] : '';
    const question = questionOf(message);
    const found = this.#exchanges.find(
      (one) =>
        !one.used &&
        one.kind === kind &&
        one.method === method &&
        (kind !== 'request' || one.question === question),
    );
    if (found !== undefined) {
      found.used = true;
      return found.followed.map((line) => renamed(line, found.id, message));
    }
    if (kind !== 'request') return [];
    // When a client pings is a matter of its clock.
    if (method === 'ping')
      return [
        {
          ...{ ms: 0, server: this.#server, connection: 1, type: 'received' },
          message: { jsonrpc: '2.0', id: message['id'] ?? null, result: {} },
        },
      ];
    throw this.#mismatch(method, question);
  }

  /** Requests that were recorded and not asked, as `method params`. */
  left(): readonly string[] {
    return this.#exchanges
      .filter(({ kind, used, method }) => kind === 'request' && !used && method !== 'ping')
      .map(({ method, question }) => `${method} ${excerpt(question)}`);
  }

  #mismatch(method: string, question: string): McpError {
    const asked = this.#exchanges.filter((one) => one.method === method);
    const same = asked.filter((one) => one.question === question).length;
    const [next] = asked.filter(({ used }) => !used);
    const why =
      same > 0
        ? `it was asked ${same === 1 ? 'once' : `${same} times`} then, and this is once more`
        : next !== undefined
          ? `what was asked then is ${method} ${excerpt(next.question)}`
          : `nothing ${asked.length > 0 ? 'else ' : ''}of ${method} was asked then`;
    return new McpError(
      'ORCH_MCP_RECORDING',
      `The recording of ${this.#server} has no answer to ${method} ${excerpt(question)}: ${why}. Ask what was recorded, or record anew.`,
      { details: { server: this.#server, method } },
    );
  }
}

/** The id of the request that a message of the server is about. */
function ofRequest({ method, id, params }: JsonObject): unknown {
  if (method === undefined) return id;
  if (method !== 'notifications/progress' || !isJsonObject(params)) return undefined;
  return params['progressToken'];
}

/** The line with the id and the progress token of the message that it follows now. */
function renamed(line: RecordedLine, was: unknown, now: JsonObject): RecordedLine {
  const id = now['id'] as number | string;
  if (line.type === 'failed') return { ...line, id };
  if (line.type !== 'received' || ofRequest(line.message) !== was) return line;
  const { message } = line;
  if (message['method'] === undefined) return { ...line, message: { ...message, id } };
  const params = isJsonObject(now['params']) ? now['params'] : {};
  const meta = isJsonObject(params['_meta']) ? params['_meta'] : {};
  const progressToken = meta['progressToken'];
  return {
    ...line,
    message: { ...message, params: { ...(message['params'] as JsonObject), progressToken } },
  };
}
