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
 * With `approvals` and `pins` (`@orch/mcp/safety`), a project's servers run only as a person has approved them, and
 * tools are called only as they were pinned. It does not sandbox servers.
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
  CallReport,
  Completion,
  CompletionOf,
  ListOptions,
  LogLevel,
  McpServer,
  ServerEvent,
} from './hub/mcp-server.js';
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
export type { ApprovalStore, ServerOrigin } from './safety/approval-store.js';
export type { DefinitionReport, DefinitionReview, PinPolicy, Verdict } from './safety/guard.js';
export { McpError, type McpErrorCode } from './mcp-error.js';
export type { Json, JsonObject } from './json.js';
