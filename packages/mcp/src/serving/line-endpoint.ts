import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { isJsonObject, type JsonObject } from '../json.js';
import type { RequestId } from '../transport/transport.js';
import { metaKey } from './protocol-versions.js';
import {
  answerText,
  errorMessage,
  idOf,
  metaOf,
  paramsOf,
  unaskedText,
  type Reply,
} from './reply.js';
import { SealedState } from './sealed-state.js';
import { RpcError, rpcCode, type Caller, type McpService } from './service.js';
import { Session } from './session.js';
import { answerStateless } from './stateless.js';

export interface LineEndpointOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly service: McpService;
  readonly caller: Caller;
  /** A longer line ends the connection. */
  readonly maxRequestBytes: number;
  readonly requestsMost: number;
}

/**
 * Serves one client over lines of JSON, as over stdin and stdout. What the client does not read stops the reading of
 * what it asks. Resolves when the client has gone, or the signal was aborted.
 */
export function serveLines(options: LineEndpointOptions, signal?: AbortSignal): Promise<void> {
  const { input, output, service, caller, requestsMost } = options;
  const sealed = new SealedState();
  const running = new Map<RequestId, AbortController>();
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isFull = false;

  function write(text: string | undefined): void {
    if (text !== undefined && output.writable && !output.write(`${text}\n`)) {
      isFull = true;
      input.pause();
    }
  }
  const say = (message: JsonObject): void => write(unaskedText(message));
  const answer = (message: JsonObject): void => write(answerText(message));

  const reply: Reply = {
    get isFull() {
      return isFull;
    },
    send: say,
    end: answer,
    drop: () => undefined,
    disconnect: () => undefined,
  };
  const session = new Session({ service, caller, requestsMost, unasked: say });

  async function stateless(message: JsonObject, id: RequestId): Promise<void> {
    if (running.size >= requestsMost || running.has(id)) {
      answer(errorMessage(id, new RpcError(rpcCode.request, 'Too many requests at once.')));
      return;
    }
    const controller = new AbortController();
    running.set(id, controller);
    try {
      await answerStateless(
        message,
        { service, caller, principal: caller.attempt, sealed, signal: controller.signal },
        reply,
      );
    } finally {
      running.delete(id);
    }
  }

  function receive(line: string): void {
    if (line.trim() === '') return;
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      answer(errorMessage(undefined, new RpcError(rpcCode.parse, 'This line is no JSON.')));
      return;
    }
    if (!isJsonObject(message)) {
      answer(errorMessage(undefined, new RpcError(rpcCode.request, 'Send one message a line.')));
      return;
    }
    const id = idOf(message);
    const params = paramsOf(message);
    const isRequest = id !== undefined && typeof message['method'] === 'string';
    if (isRequest && metaOf(params)[metaKey.version] !== undefined) void stateless(message, id);
    else if (isRequest && message['method'] === 'server/discover') void stateless(message, id);
    else {
      const cancelled = params['requestId'];
      if (message['method'] === 'notifications/cancelled')
        running.get(cancelled as RequestId)?.abort(new Error('cancelled'));
      session.receive(message, reply);
    }
  }

  return new Promise((resolve) => {
    const end = (): void => {
      input.off('data', take);
      input.pause();
      output.off('drain', goOn);
      session.close();
      for (const controller of running.values()) controller.abort(new Error('closed'));
      resolve();
    };
    const take = (chunk: Buffer | string): void => {
      rest += typeof chunk === 'string' ? chunk : decoder.write(chunk);
      let at = rest.indexOf('\n');
      if (at < 0 && rest.length > options.maxRequestBytes) {
        answer(errorMessage(undefined, new RpcError(rpcCode.request, 'The line is too long.')));
        end();
        return;
      }
      let from = 0;
      for (; at >= 0; at = rest.indexOf('\n', from)) {
        receive(rest.slice(from, at));
        from = at + 1;
      }
      rest = rest.slice(from);
    };
    const goOn = (): void => {
      isFull = false;
      input.resume();
    };
    input.on('data', take);
    input.once('end', end);
    // Each write to an output that is gone fails anew.
    input.on('error', end);
    output.on('error', end);
    output.on('drain', goOn);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end, { once: true });
  });
}
