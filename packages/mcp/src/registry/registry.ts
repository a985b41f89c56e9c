import { isJsonObject, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { getJson, isInnerHost } from './guarded-get.js';
import { readRegistryServer, type RegistryServer } from './registry-server.js';

/** The public registry. */
export const publicRegistry = 'https://registry.modelcontextprotocol.io';

export interface RegistryOptions {
  /** Default: the public one, {@link publicRegistry}. */
  readonly url?: string;
  /**
   * The registry may be on this machine or in an inner network, and speak `http:`. Default: only if `url` itself says
   * `localhost` or gives such an address; a *name* that leads into an inner network needs it.
   */
  readonly inner?: boolean;
  /** For one page. Default 15,000. */
  readonly timeoutMs?: number;
  /** A larger page is not read. Default 4 MiB. */
  readonly maxBytes?: number;
}

export interface SearchOptions {
  /** Part of a name. Default: all. */
  readonly text?: string;
  /** As many servers at most. Default 30. */
  readonly most?: number;
  readonly signal?: AbortSignal;
}

/** A registry of MCP servers that speaks the API of the public one (`/v0.1/servers`). */
export interface Registry {
  readonly url: string;
  /** The latest version of each server that is not deleted. Rejects with `ORCH_MCP_REGISTRY`. */
  search(options?: SearchOptions): Promise<readonly RegistryServer[]>;
  /** One server. Rejects with `ORCH_MCP_REGISTRY`, also if there is none of this name. Default version: `latest`. */
  get(
    name: string,
    version?: string,
    options?: { readonly signal?: AbortSignal },
  ): Promise<RegistryServer>;
}

const pageSize = 100;
const pagesMost = 50;

/** Throws `ORCH_MCP_SPEC` for an address that is none. Nothing is asked before `search` or `get`. */
export function createRegistry(options: RegistryOptions = {}): Registry {
  const { url: given = publicRegistry, timeoutMs = 15_000, maxBytes = 4 * 1024 * 1024 } = options;
  const base = URL.canParse(given) ? new URL(given) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol) || base.username !== '')
    throw new McpError(
      'ORCH_MCP_SPEC',
      `${JSON.stringify(given)} is no address of a registry: it must begin with https: and have no password.`,
    );
  const inner = options.inner ?? isInnerHost(base);
  const root = base.href.replace(/\/+$/, '');
  const get = (path: string, signal: AbortSignal | undefined): Promise<JsonObject> =>
    getJson(new URL(`${root}/v0.1/${path}`), { inner, timeoutMs, maxBytes, signal });

  return {
    url: root,
    async search({ text = '', most = 30, signal } = {}) {
      const found = new Map<string, RegistryServer>();
      const cursors = new Set<string>();
      let cursor: string | undefined;
      do {
        const query = new URLSearchParams({
          version: 'latest',
          limit: String(Math.min(pageSize, Math.max(1, most))),
          ...(text !== '' && { search: text }),
          ...(cursor !== undefined && { cursor }),
        });
        const page = await get(`servers?${query.toString()}`, signal);
        const servers = page['servers'];
        if (!Array.isArray(servers))
          throw new McpError(
            'ORCH_MCP_REGISTRY',
            `${root} answered without a list of servers. Is it a registry?`,
          );
        for (const entry of servers as unknown[]) {
          const server = readRegistryServer(entry);
          // A registry that knows no `latest` gives every version; they come oldest first.
          if (server !== undefined && server.status !== 'deleted') found.set(server.name, server);
          if (found.size >= most) return [...found.values()];
        }
        cursor = nextCursor(page);
        if (cursor !== undefined && (cursors.has(cursor) || cursors.size >= pagesMost)) break;
        if (cursor !== undefined) cursors.add(cursor);
      } while (cursor !== undefined);
      return [...found.values()];
    },
    async get(name, version = 'latest', { signal } = {}) {
      const [one, at] = [encodeURIComponent(name), encodeURIComponent(version)];
      const answer = await get(`servers/${one}/versions/${at}`, signal).catch((error: unknown) => {
        if (!McpError.isInstance(error) || error.details['status'] !== 404) throw error;
        throw new McpError(
          'ORCH_MCP_REGISTRY',
          `${root} has no server ${JSON.stringify(name)} of version ${version}. Look for it with a search.`,
          { details: error.details, cause: error },
        );
      });
      const server = readRegistryServer(answer);
      if (server?.name === name) return server;
      throw new McpError(
        'ORCH_MCP_REGISTRY',
        `${root} answered with something else than the server ${JSON.stringify(name)}.`,
      );
    },
  };
}

/** It has been called both, and stands in `metadata`. */
function nextCursor(page: JsonObject): string | undefined {
  const metadata = isJsonObject(page['metadata']) ? page['metadata'] : page;
  const cursor = metadata['nextCursor'] ?? metadata['next_cursor'];
  return typeof cursor === 'string' && cursor !== '' ? cursor : undefined;
}
