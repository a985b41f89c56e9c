import { expandDocument } from '../expand-document.js';
import { isObject, ownValue, type JsonObject } from '../json.js';
import { createSettings } from '../settings.js';
import type { Origin, Source, Tier } from '../source.js';
import type { Problem } from '../problem.js';
import { formatPath } from '../setting-path.js';
import { claudeFiles, type ClaudePlaces } from './files.js';

/** Low to high: of one name only the highest is started. */
const mcpTiers: readonly Tier[] = [{ name: 'user' }, { name: 'project' }, { name: 'local' }];

export interface ClaudeMcpServer {
  readonly scope: 'user' | 'project' | 'local';
  /** With its variables filled in; those that are not set stay as written. It may hold secrets. */
  readonly server: JsonObject;
  readonly origin: Origin;
  /** Definitions of the same name that do not count. */
  readonly shadows: readonly Origin[];
}

export interface ClaudeMcpServers {
  readonly servers: ReadonlyMap<string, ClaudeMcpServer>;
  /** Warnings: Claude Code drops such a file without a word. */
  readonly problems: readonly Problem[];
}

/** `~/.claude.json` grows with every project. */
const maxBytes = 64 * 1024 * 1024;

/** The MCP servers that Claude Code would know in a directory. Starts none of them. */
export async function readClaudeMcpServers(places: ClaudePlaces): Promise<ClaudeMcpServers> {
  const { directory, environment = process.env } = places;
  const files = claudeFiles(places);
  const source = (tier: string, file: string): Source => ({ tier, file, format: 'json' });
  const settings = createSettings<JsonObject>({
    tiers: mcpTiers,
    sources: [
      source('user', files.state),
      source('project', files.mcp),
      source('local', files.state),
    ],
    environment,
    variables: 'off',
    duplicates: 'last',
    badFiles: 'drop',
    maxBytes,
    whole: ['mcpServers.*'],
    admit: (value, tier) =>
      tier === 'local'
        ? { value: scopeOf(value, directory), at: ['projects', directory], findings: [] }
        : { value: only(value), findings: [] },
  });
  const loaded = await settings.load();
  const found = isObject(loaded.merged) ? ownValue(loaded.merged, 'mcpServers') : undefined;
  const servers = Object.entries(isObject(found) ? found : {}).flatMap(([name, server]) => {
    if (!isObject(server)) return [];
    const path = formatPath(['mcpServers', name]);
    const origin = loaded.origin(path);
    if (origin === undefined) return [];
    const lookup = (variable: string) => ({ value: environment[variable] });
    const shadows = loaded
      .explain(path)
      .contributions.filter(({ outcome }) => outcome === 'loses')
      .map((one) => one.origin);
    const entry: ClaudeMcpServer = {
      scope: origin.tier as ClaudeMcpServer['scope'],
      server: expandDocument(server, { lookup }, () => undefined),
      origin,
      shadows,
    };
    return [[name, entry] as const];
  });
  return { servers: new Map(servers), problems: loaded.problems };
}

/** The servers that the state file has for this user in one project. */
function scopeOf(state: JsonObject, directory: string): JsonObject {
  const projects = ownValue(state, 'projects');
  const project = isObject(projects) ? ownValue(projects, directory) : undefined;
  return isObject(project) ? only(project) : {};
}

function only(value: JsonObject): JsonObject {
  const servers = ownValue(value, 'mcpServers');
  return isObject(servers) ? { mcpServers: servers } : {};
}
