import { randomBytes } from 'node:crypto';
import { chmod, chown, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
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

/**
 * Writes it whole or not at all; what else stands in it stays, and so does who may read it: secrets may stand there. A
 * link stays one, to the file that is written.
 */
export async function writeServer(
  file: ServersFile,
  name: string,
  server: JsonObject,
): Promise<void> {
  const mcpServers = { ...file.servers, [name]: server };
  const whole = `${JSON.stringify({ ...file.content, mcpServers }, null, 2)}\n`;
  const path = await endOfLinks(file.path);
  const beside = `${path}.${randomBytes(6).toString('hex')}.new`;
  const before = await orUndefined(stat(path));
  try {
    if (before === undefined) await writeFile(beside, whole, { flag: 'wx', flush: true });
    else {
      await writeFile(beside, whole, { flag: 'wx', flush: true, mode: 0o600 });
      const { mode, uid, gid } = before;
      const isOwnedAlike = await chown(beside, uid, gid).then(
        () => true,
        () => false,
      );
      // Whose group it cannot be given to is not shown to another group in its place.
      await chmod(beside, mode & (isOwnedAlike ? 0o777 : 0o707));
    }
    await rename(beside, path);
  } finally {
    await rm(beside, { force: true });
  }
}

/** Also of a link whose file is not there yet. */
async function endOfLinks(path: string): Promise<string> {
  let end = path;
  for (let links = 0; links < 40; links += 1) {
    const target = await readlink(end).catch((error: unknown) => {
      if (isCode(error, 'ENOENT', 'EINVAL')) return undefined; // no link
      throw error;
    });
    if (target === undefined) return end;
    end = resolve(dirname(end), target);
  }
  throw new McpError(
    'ORCH_MCP_SPEC',
    `${path} is a link that leads nowhere. Name a file instead.`,
    {
      details: { file: path },
    },
  );
}

const isCode = (error: unknown, ...codes: readonly string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '');

const orUndefined = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  });

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
