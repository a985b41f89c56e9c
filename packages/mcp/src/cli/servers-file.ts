import { readFile, rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expandVariables } from '../config/expand.js';
import { isJsonObject, type JsonObject } from '../json.js';
import type { ServerSpec } from '../hub/server-spec.js';
import { McpError } from '../mcp-error.js';
import type { Host } from './host.js';

/** Servers as they are configured, and where. */
export interface ServersFile {
  readonly path: string;
  /** As they stand in the file. */
  readonly servers: Readonly<Record<string, JsonObject>>;
  /** The whole file. */
  readonly content: JsonObject;
}

const usual = '.mcp.json';

/**
 * The servers of `--config FILE`, else of `./.mcp.json`. Rejects with `ORCH_MCP_SPEC` for a file that is none, and if
 * there is none; with `orEmpty`, a file that is not there has no servers.
 */
export async function readServersFile(
  host: Host,
  config: string | undefined,
  orEmpty = false,
): Promise<ServersFile> {
  const path = resolve(host.cwd, config ?? usual);
  const refuse = (why: string, cause?: unknown): never => {
    throw new McpError('ORCH_MCP_SPEC', `${path} ${why}`, { details: { file: path }, cause });
  };
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    if (orEmpty) return { path, servers: {}, content: {} };
    return refuse(
      `is not there. Name a file with --config, or add a server: ${host.program} add NAME -- COMMAND`,
      error,
    );
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return refuse(`is no JSON: ${error instanceof Error ? error.message : ''}`, error);
  }
  const servers = isJsonObject(content) ? (content['mcpServers'] ?? {}) : undefined;
  if (!isJsonObject(content) || !isJsonObject(servers))
    return refuse('must be {"mcpServers": {"name": {…}}}.');
  for (const [name, server] of Object.entries(servers))
    if (!isJsonObject(server)) return refuse(`has no object for the server ${name}.`);
  return { path, servers: servers as Record<string, JsonObject>, content };
}

/** Writes it whole or not at all; what else stands in it stays. */
export async function writeServer(
  file: ServersFile,
  name: string,
  server: JsonObject,
): Promise<void> {
  const mcpServers = { ...file.servers, [name]: server };
  const whole = `${JSON.stringify({ ...file.content, mcpServers }, null, 2)}\n`;
  const beside = `${file.path}.${process.pid}.new`;
  await writeFile(beside, whole, { flag: 'wx' });
  await rename(beside, file.path);
}

/**
 * A configured server with its variables filled in. Throws `ORCH_MCP_SPEC` that names the variables that are not set
 * and have no default.
 */
export function toSpec(
  name: string,
  server: JsonObject,
  environment: Host['environment'],
): ServerSpec {
  const missing = new Set<string>();
  const expand = (value: unknown): unknown => {
    if (typeof value === 'string') {
      const { text, unset } = expandVariables(value, environment);
      for (const variable of unset) missing.add(variable);
      return text;
    }
    if (Array.isArray(value)) return value.map(expand);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, expand(one)]));
  };
  const spec = expand(server) as Record<string, unknown>;
  if (missing.size > 0)
    throw new McpError(
      'ORCH_MCP_SPEC',
      `The server ${name} needs ${[...missing].join(', ')} in the environment.`,
      { details: { server: name, missing: [...missing] } },
    );
  if (spec['type'] === 'streamable-http') spec['type'] = 'http';
  const { timeout, ...rest } = spec;
  return {
    ...rest,
    ...(typeof timeout === 'number' && { timeoutMs: timeout }),
  } as unknown as ServerSpec;
}
