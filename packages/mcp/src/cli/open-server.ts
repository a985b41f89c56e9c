import { join, resolve } from 'node:path';
import type { McpServer } from '../hub/mcp-server.js';
import type { ServerSpec } from '../hub/server-spec.js';
import { createMcpHub, type ClientOptions, type McpHub } from '../hub/hub.js';
import { McpError } from '../mcp-error.js';
import { openApprovals, type ApprovalStore } from '../safety/approval-store.js';
import { openPins } from '../safety/pin-store.js';
import { stateDirectory } from '../safety/private-file.js';
import type { HttpAuth } from '../transport/http-auth.js';
import type { Wire } from '../transport/transport.js';
import type { Host } from './host.js';
import { withLogin } from '../auth/takes-login.js';
import { withoutNpx } from '../config/resolve-npx.js';
import { storedLogin } from './known-logins.js';
import { readKnownServers } from './known-servers.js';
import { readServersFile, toSpec } from './servers-file.js';

export interface SourceFlags {
  readonly config?: string;
  readonly record?: string;
  readonly replay?: string;
}

/** Configured servers, which can be opened, through a recorder or a replay if one was asked for. */
export interface Source {
  readonly names: readonly string[];
  /** Where they are configured. */
  readonly path: string;
  /** Throws `ORCH_MCP_SPEC`. */
  readonly specOf: (name: string) => ServerSpec;
  /** Throws `ORCH_MCP_SPEC`. Nothing is started yet. `auth`: default: what the user has logged in with. */
  open(name: string, more?: ClientOptions, auth?: HttpAuth): OpenedServer;
  close(): Promise<void>;
}

export interface OpenedServer {
  readonly server: McpServer;
  readonly hub: McpHub;
}

/** Reads where the servers are. `firstUse`: of pins. Rejects with `ORCH_MCP_SPEC`, `ORCH_MCP_RECORDING`. */
export async function openSource(
  host: Host,
  flags: SourceFlags,
  firstUse: 'pin' | 'block' = 'pin',
): Promise<Source> {
  if (flags.replay !== undefined) {
    const path = resolve(host.cwd, flags.replay);
    const { openReplay } = await import('../recording/index.js');
    const { servers, wire } = await openReplay(path);
    const specOf = (name: string): ServerSpec => found(servers, name, path);
    const known = { path, names: Object.keys(servers), specOf };
    return source(host, { known, login: undefined, firstUse, through: { wire } });
  }
  const known = await configured(host, flags.config);
  const login = await storedLogin(host);
  if (flags.record === undefined) return source(host, { known, login, firstUse });
  const { openRecorder } = await import('../recording/index.js');
  const recorder = await openRecorder(resolve(host.cwd, flags.record));
  return source(host, { known, login, firstUse, through: recorder });
}

type Configured = Pick<Source, 'path' | 'names' | 'specOf'>;

/** A file that was named, by whoever named it; else what Claude Code knows here, where a project's needs an approval. */
async function configured(host: Host, config: string | undefined): Promise<Configured> {
  if (config === undefined) {
    const { path, servers, explain } = readKnownServers(host);
    const specOf = (name: string): ServerSpec => {
      explain(name);
      return found(servers, name, path);
    };
    return { path, names: Object.keys(servers), specOf };
  }
  const { path, servers } = await readServersFile(host, config);
  const specOf = (name: string): ServerSpec =>
    toSpec(name, found(servers, name, path), host.environment);
  return { path, names: Object.keys(servers), specOf };
}

/** The user's approvals, which this directory must not be able to give. */
export const approvalsOf = (host: Host): ApprovalStore =>
  openApprovals({
    directory: join(stateDirectory(host.environment), 'mcp', 'approvals'),
    agentRoots: [host.cwd],
  });

function found<T>(servers: Readonly<Record<string, T>>, name: string, path: string): T {
  const server = Object.hasOwn(servers, name) ? servers[name] : undefined;
  if (server !== undefined) return server;
  const known = Object.keys(servers).join(', ') || 'none';
  throw new McpError(
    'ORCH_MCP_SPEC',
    `${path} has no server ${JSON.stringify(name)}. It has: ${known}.`,
  );
}

function source(
  host: Host,
  options: {
    readonly known: Configured;
    readonly login: HttpAuth | undefined;
    readonly firstUse: 'pin' | 'block';
    readonly through?: { readonly wire: Wire; close?(): Promise<void> };
  },
): Source {
  const { known, login, firstUse, through } = options;
  const hubs: McpHub[] = [];
  const pins = openPins(join(stateDirectory(host.environment), 'mcp', 'pins'));
  return {
    ...known,
    open(name, more = {}, auth = login) {
      const spec = withoutNpx(known.specOf(name), host);
      const hub = createMcpHub({
        servers: { [name]: auth === undefined ? spec : withLogin(spec, auth) },
        cwd: host.cwd,
        environment: host.environment,
        approvals: approvalsOf(host),
        pins: { policy: 'block', store: pins, project: host.cwd, firstUse },
        ...(through !== undefined && { wire: through.wire }),
        ...more,
      });
      hubs.push(hub);
      return { hub, server: hub.server(name) };
    },
    async close() {
      await Promise.all(hubs.map((hub) => hub.close()));
      await through?.close?.();
    },
  };
}
