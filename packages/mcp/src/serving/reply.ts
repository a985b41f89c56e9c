import { isJsonObject, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { RequestId } from '../transport/transport.js';
import { RpcError, rpcCode } from './service.js';

/** The way back of one request. */
export interface Reply {
  /** The reader does not keep up: what can be left out is. */
  readonly isFull: boolean;
  /** A message before the answer. Throws `RpcError` for a question that cannot be written. */
  send(message: JsonObject): void;
  /** The answer. `status`: of HTTP, if the answer has not begun. */
  end(message: JsonObject, status?: number): void;
  /** There will be no answer: the client took its request back. */
  drop(): void;
  disconnect(): void;
}

/** For what gets no answer. */
export const noReply: Reply = {
  isFull: true,
  send: () => undefined,
  end: () => undefined,
  drop: () => undefined,
  disconnect: () => undefined,
};

export const idOf = (message: JsonObject): RequestId | undefined => {
  const { id } = message;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
};

export const paramsOf = (message: JsonObject): JsonObject => {
  const { params } = message;
  return isJsonObject(params) ? params : {};
};

export const metaOf = (params: JsonObject): JsonObject => {
  const meta = params['_meta'];
  return isJsonObject(meta) ? meta : {};
};

export const resultMessage = (id: RequestId, result: JsonObject): JsonObject => ({
  jsonrpc: '2.0',
  id,
  result,
});

export const errorMessage = (id: RequestId | undefined, error: RpcError): JsonObject => ({
  jsonrpc: '2.0',
  ...(id !== undefined && { id }),
  error: {
    code: error.code,
    message: error.message,
    ...(error.data !== undefined && { data: error.data }),
  },
});

const unwritable = (): RpcError =>
  new RpcError(rpcCode.internal, 'What came of it is too deep or too long to be written as JSON.');

/** An answer as text. What is read from a server may nest so deep that it cannot be written again. */
export function answerText(message: JsonObject): string {
  try {
    return JSON.stringify(message);
  } catch {
    return JSON.stringify(errorMessage(idOf(message), unwritable()));
  }
}

/** The same of what is no answer: undefined for a notification that cannot be written. Throws `RpcError` for a question. */
export function unaskedText(message: JsonObject): string | undefined {
  try {
    return JSON.stringify(message);
  } catch {
    if (idOf(message) === undefined) return undefined;
    throw unwritable();
  }
}

/** What the client is told; of a failure that is none of its business, only that there was one. */
export function asRpcError(cause: unknown): RpcError {
  if (cause instanceof RpcError) return cause;
  if (!McpError.isInstance(cause)) return new RpcError(rpcCode.internal, 'An internal error.');
  const { code, message, details } = cause;
  const { rpcCode: remote, data } = details;
  if (code === 'ORCH_MCP_REMOTE' && typeof remote === 'number')
    return new RpcError(remote, message, isJsonObject(data) ? data : undefined);
  const known = code === 'ORCH_MCP_REFUSED' || code === 'ORCH_MCP_SPEC';
  return new RpcError(known ? rpcCode.params : rpcCode.internal, message, { code });
}
