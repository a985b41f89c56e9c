import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tool } from '../hub/definitions.js';
import { excerpt, isJsonObject, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { sha256 } from './canonical-json.js';
import { pinTool, type PinnedDefinition } from './definition-pin.js';
import { readPrivate, stateDirectory, writePrivate } from './private-file.js';

/** What a server said of its tools when a person, or its first use, took it for good. */
export interface PinnedServer {
  readonly tools: Readonly<Record<string, PinnedDefinition>>;
  /** UTC. */
  readonly pinnedAt: string;
}

/** Pins of a user, each in a file of its own (0600). All methods throw `ORCH_MCP_STATE`. */
export interface PinStore {
  /** Undefined: it was never pinned. */
  read(project: string, server: string): PinnedServer | undefined;
  /** `create`: only if there is no pin yet; false if there is one. */
  write(
    project: string,
    server: string,
    tools: readonly Tool[],
    mode: 'replace' | 'create',
  ): boolean;
}

/**
 * Pins are kept below `directory`; default: `mcp/pins` in the user's state directory. It must lie outside of what
 * agents and repositories can write.
 */
export function openPins(directory = join(stateDirectory(), 'mcp', 'pins')): PinStore {
  const fileOf = (project: string, server: string): string =>
    join(directory, `${sha256(JSON.stringify([project, server])).slice(0, 32)}.json`);
  return {
    read(project, server) {
      const file = fileOf(project, server);
      const text = readPrivate(file);
      if (text === undefined) return undefined;
      const pins = readPins(text, project, server);
      if (pins !== undefined) return pins;
      throw new McpError(
        'ORCH_MCP_STATE',
        `${file} holds no pins of ${server}, so nothing can be compared with it. Look at it, remove it, and pin the server again.`,
        { details: { path: file, server } },
      );
    },
    write(project, server, tools, mode) {
      const pinned = {
        version: 1,
        project,
        server,
        tools: Object.fromEntries(tools.map((tool) => [tool.name, pinTool(tool)])),
        pinnedAt: new Date().toISOString(),
      };
      return writePrivate(fileOf(project, server), `${JSON.stringify(pinned, null, 2)}\n`, mode);
    },
  };
}

function readPins(text: string, project: string, server: string): PinnedServer | undefined {
  const value = parsed(text);
  if (value?.['version'] !== 1 || value['project'] !== project || value['server'] !== server)
    return undefined;
  const { tools, pinnedAt } = value;
  if (!isJsonObject(tools) || typeof pinnedAt !== 'string') return undefined;
  const isWhole = Object.values(tools).every(
    (pin) =>
      isJsonObject(pin) && typeof pin['sha256'] === 'string' && isJsonObject(pin['definition']),
  );
  return isWhole ? (value as unknown as PinnedServer) : undefined;
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Hashes of tools by server, as a repository keeps them: they are compared with, and prove nothing. */
export type DefinitionLock = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Reads a project's `mcp.lock.json`; an empty lock if there is none. Throws `ORCH_MCP_CONFIG` for a file that is no
 * lock.
 */
export function readLock(file: string): DefinitionLock {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw badLock(file, 'cannot be read', cause);
  }
  const value = parsed(text);
  const servers = value?.['version'] === 1 ? value['servers'] : undefined;
  const isWhole =
    isJsonObject(servers) &&
    Object.values(servers).every(
      (tools) =>
        isJsonObject(tools) &&
        Object.values(tools).every(
          (hash) => typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash),
        ),
    );
  if (!isWhole) throw badLock(file, 'is no lock of definitions');
  return servers as unknown as DefinitionLock;
}

const badLock = (file: string, what: string, cause?: unknown): McpError =>
  new McpError(
    'ORCH_MCP_CONFIG',
    `${excerpt(file)} ${what}. Write it anew from servers that you have looked at.`,
    { details: { path: file }, cause },
  );

/** The text of a lock file for what servers say of their tools now. */
export function formatLock(servers: Readonly<Record<string, readonly Tool[]>>): string {
  const sorted = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
    Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
  const locked = sorted(
    Object.entries(servers).map(([name, tools]) => [
      name,
      sorted(tools.map((tool) => [tool.name, pinTool(tool).sha256] as const)),
    ]),
  );
  return `${JSON.stringify({ version: 1, servers: locked }, null, 2)}\n`;
}
