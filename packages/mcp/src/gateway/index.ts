/**
 * One MCP server in front of a hub, for many agents, each with a token of its own.
 *
 * ```ts
 * import { createMcpHub } from '@orch/mcp';
 * import { createGateway } from '@orch/mcp/gateway';
 *
 * const hub = createMcpHub({ servers: { files: { command: 'mcp-server-filesystem', args: ['/srv/data'] } } });
 * const gateway = createGateway(hub, { log: (event) => console.error(JSON.stringify(event)) });
 * const { url } = await gateway.listen();
 * const filter = { tools: { allow: ['files__read_*'] } };
 * const grant = await gateway.grant({ attempt: 'fix-1', filter, ttlMs: 3_600_000, tokenFile: '/run/orch/fix-1' });
 * // the agent: { "command": "orch-mcp-bridge", "args": [url, grant.tokenFile] }
 * await grant.revoke();
 * await gateway.close();
 * ```
 *
 * Guarantees: what a grant's filter does not allow is neither listed nor passed on; after its end nothing is; each
 * refusal is told to `log`, with the attempt, and never with a token; it listens on the loopback alone, and refuses
 * what a web page could send.
 *
 * It does not pass on what servers ask of their client (sampling, elicitation, roots).
 *
 * @module
 */
export {
  createGateway,
  type GatewayEvent,
  type GatewayLimits,
  type GatewayOptions,
  type Grant,
  type GrantOptions,
  type McpGateway,
} from './gateway.js';
export {
  RpcError,
  rpcCode,
  type Ask,
  type Caller,
  type Exchange,
  type McpService,
  type ServiceEvent,
  type Trust,
} from '../serving/service.js';
export { runBridge, type BridgeOptions } from './bridge.js';
