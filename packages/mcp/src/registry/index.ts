/**
 * Finding MCP servers in a registry, and what it takes to use one.
 *
 * ```ts
 * const registry = createRegistry();
 * const [server] = await registry.search({ text: 'filesystem' });
 * if (server !== undefined) console.log(toServerSpec(server).spec); // as `.mcp.json` has it
 * ```
 *
 * A registry is no recommendation: whoever publishes there says of their server what they like.
 *
 * @module
 */
export {
  createRegistry,
  publicRegistry,
  type Registry,
  type RegistryOptions,
  type SearchOptions,
} from './registry.js';
export type {
  RegistryInput,
  RegistryPackage,
  RegistryRemote,
  RegistryServer,
} from './registry-server.js';
export {
  toServerSpec,
  type ConfiguredServer,
  type NeededVariable,
  type ServerPlan,
  type ToServerSpecOptions,
} from './to-server-spec.js';
