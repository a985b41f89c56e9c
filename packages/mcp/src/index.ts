/**
 * An MCP client that survives its servers.
 *
 * ```ts
 * import { createMcpHub } from '@orch/mcp';
 *
 * const hub = createMcpHub({
 *   servers: { files: { command: 'mcp-server-filesystem', args: ['/srv/data'], tools: { deny: ['write_*'] } } },
 * });
 * const result = await hub.call('files__list_directory', { path: '/srv/data' });
 * console.log(result.isError, result.text);
 * await hub.close();
 * ```
 *
 * Guarantees: a server ends with its whole process tree; every failure is an `McpError` that says what to do; every
 * call ends in its time; what broke is connected anew from nothing, and only calls that may be made twice are made
 * twice; what a filter does not allow is neither listed nor sent.
 *
 * It does not decide which servers may run, check what they say of themselves, or sandbox them.
 *
 * @module
 */
export {
  connect,
  createMcpHub,
  type ClientOptions,
  type HubOptions,
  type Listed,
  type McpHub,
  type Missing,
  type Placed,
} from './hub/hub.js';
export type {
  CallOptions,
  Completion,
  CompletionOf,
  ListOptions,
  LogLevel,
  McpServer,
  ServerEvent,
} from './hub/server.js';
export type {
  CustomServerSpec,
  HttpServerSpec,
  ServerSpec,
  SseServerSpec,
  StdioServerSpec,
  WebSocketServerSpec,
} from './hub/server-spec.js';
export type { SpilledResult, SpillOptions } from './spill/spill.js';
export { inMemory, type MemoryEnd } from './transport/memory.js';
export type {
  OpenTransport,
  OpenWire,
  Remains,
  RequestId,
  Transport,
  TransportEvents,
  Wire,
  WiredServer,
  WireEvents,
} from './transport/transport.js';
export type { Filter, Filters } from './hub/filter.js';
export type { RestartPolicy, ServerState } from './hub/supervisor.js';
export type {
  Prompt,
  Resource,
  ResourceTemplate,
  Tool,
  ToolAnnotations,
} from './hub/definitions.js';
export type { ToolResult } from './hub/tool-result.js';
export type {
  AskHandlers,
  Asking,
  AskKind,
  Elicited,
  FormRequest,
  SamplingRequest,
  SamplingResult,
  UrlRequest,
} from './answers/handlers.js';
export type { Asked } from './answers/answers.js';
export type {
  ClientAnswers,
  CreateEngine,
  Engine,
  Handshake,
  HandshakeOptions,
} from './engine/engine.js';
export type {
  HttpAuth,
  HttpAuthAnswer,
  HttpAuthorizer,
  HttpAuthRequest,
} from './transport/http-auth.js';
export type { Progress, RequestOptions } from './protocol/peer.js';
export { McpError, type McpErrorCode } from './mcp-error.js';
export type { Json, JsonObject } from './json.js';
