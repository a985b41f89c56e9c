import type { ServersDocument } from '../plan/schema/servers.js';
import type { ServerUse } from './graph.js';

/** The servers of the nearest level that says any, by name; nothing for none. The order of a plan means nothing. */
export function compileServers(levels: readonly { readonly mcp?: ServersDocument }[]): {
  readonly mcp?: readonly ServerUse[];
} {
  const nearest = levels.map((level) => level.mcp).find((value) => value !== undefined) ?? [];
  const uses: readonly ServerUse[] = Array.isArray(nearest)
    ? [...new Set(nearest)].map((server) => ({ server }))
    : Object.entries(nearest).map(([server, narrowed]) => ({ server, ...narrowed }));
  if (uses.length === 0) return {};
  return { mcp: uses.toSorted((a, b) => (a.server < b.server ? -1 : 1)) };
}
