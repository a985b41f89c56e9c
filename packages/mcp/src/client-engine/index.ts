/**
 * The second engine: protocol 2026-07-28, over `@modelcontextprotocol/client`, which has to be installed beside this
 * package.
 *
 * ```ts
 * import { connect } from '@orch/mcp';
 * import { createClientEngine } from '@orch/mcp/client-engine';
 *
 * const engine = createClientEngine({ protocol: 'auto' });
 * const server = await connect({ type: 'http', url: 'https://mcp.example.com/mcp' }, { engine });
 * console.log((await server.ready()).protocolVersion);
 * ```
 *
 * @module
 */
export {
  createClientEngine,
  type ClientEngineOptions,
  type ProtocolChoice,
} from './client-engine.js';
export type { Era, Verdict, Verdicts } from './verdicts.js';
