import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tool } from '../hub/definitions.js';
import { excerpt, isJsonObject, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { sha256 } from './canonical-json.js';
import { nameOf, type DefinitionPart } from './definition-part.js';
import { pinDefinition, type PinnedDefinition } from './definition-pin.js';
import { readPrivate, stateDirectory, writePrivate } from './private-file.js';

/** What a server said of one part of itself when a person, or its first use, took it for good. */
export interface PinnedPart {
  readonly definitions: Readonly<Record<string, PinnedDefinition>>;
  /** UTC. */
  readonly pinnedAt: string;
}

/** Pins of a user, each part of a server in a file of its own (0600). All methods throw `ORCH_MCP_STATE`. */
export interface PinStore {
  /** Undefined: it was never pinned. */
  read(project: string, server: string, part: DefinitionPart): PinnedPart | undefined;
  /** `create`: only if there is no pin yet; false if there is one. */
  write(
    project: string,
    server: string,
    part: DefinitionPart,
    definitions: readonly JsonObject[],
    mode: 'replace' | 'create',
  ): boolean;
}

/**
 * Pins are kept below `directory`; default: `mcp/pins` in the user's state directory. It must lie outside of what
 * agents and repositories can write.
 */
export function openPins(directory = join(stateDirectory(), 'mcp', 'pins')): PinStore {
  const fileOf = (project: string, server: string, part: DefinitionPart): string => {
    const name = sha256(JSON.stringify([project, server])).slice(0, 32);
    return join(directory, part === 'tools' ? `${name}.json` : `${name}.${part}.json`);
  };
  return {
    read(project, server, part) {
      const file = fileOf(project, server, part);
      const text = readPrivate(file);
      if (text === undefined) return undefined;
      const pins = readPins(text, project, server, part);
      if (pins !== undefined) return pins;
      throw new McpError(
        'ORCH_MCP_STATE',
        `${file} holds no pins of ${server}, so nothing can be compared with it. Look at it, remove it, and pin the server again.`,
        { details: { path: file, server } },
      );
    },
    write(project, server, part, definitions, mode) {
      const pins = definitions.map((one) => [nameOf(part, one), pinDefinition(part, one)] as const);
      // Under the name of its part, as files that know of tools alone have it.
      const pinned = {
        version: 1,
        project,
        server,
        [part]: Object.fromEntries(pins),
        pinnedAt: new Date().toISOString(),
      };
      const file = fileOf(project, server, part);
      return writePrivate(file, `${JSON.stringify(pinned, null, 2)}\n`, mode);
    },
  };
}

function readPins(
  text: string,
  project: string,
  server: string,
  part: DefinitionPart,
): PinnedPart | undefined {
  const value = parsed(text);
  if (value?.['version'] !== 1 || value['project'] !== project || value['server'] !== server)
    return undefined;
  const { [part]: definitions, pinnedAt } = value;
  if (!isJsonObject(definitions) || typeof pinnedAt !== 'string') return undefined;
  const isWhole = Object.values(definitions).every(
    (pin) =>
      isJsonObject(pin) && typeof pin['sha256'] === 'string' && isJsonObject(pin['definition']),
  );
  return isWhole
    ? { definitions: definitions as unknown as PinnedPart['definitions'], pinnedAt }
    : undefined;
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
      sorted(tools.map((tool) => [tool.name, pinDefinition('tools', tool).sha256] as const)),
    ]),
  );
  return `${JSON.stringify({ version: 1, servers: locked }, null, 2)}\n`;
}
