import path from 'node:path';
import { createMcpHub, McpError, type ClientOptions, type ServerSpec } from '@orch/mcp';
import { openLogins, withLogin } from '@orch/mcp/auth';
import { formatProblem, readClaudeServers, withoutNpx } from '@orch/mcp/config';
import { formatChange, openApprovals, openPins, whyUnapproved } from '@orch/mcp/safety';
import { CoreError, type CoreErrorCode } from '../core-error.js';
import { shellWord } from '../shell-word.js';
import { memoryName, type NamedServer } from './named-servers.js';

/** Whose servers they are, and where approvals and pins are kept. */
export interface ServerPlace {
  /** The main worktree of the repository; servers run there. */
  readonly root: string;
  /** Where whoever reads the next command stands. */
  readonly directory: string;
  readonly state: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface ConfiguredServers {
  /** Those that the plan names. */
  readonly servers: Readonly<Record<string, ServerSpec>>;
  /** Whether tasks are handed the run's own memory. */
  readonly hasMemory: boolean;
}

/** By what the user has logged in with: `orch mcp login`. */
const loginOf = ({ state }: ServerPlace) =>
  openLogins(path.join(state, 'mcp', 'tokens.json')).stored(
    ({ name }) => `Log in: orch mcp login ${name}`,
  );

/** What every hub of this repository goes by: approvals and pins of the user, as with `orch mcp`. */
export function hubOptions({ root, state, environment }: ServerPlace): ClientOptions {
  const mcp = path.join(state, 'mcp');
  return {
    cwd: root,
    environment,
    approvals: openApprovals({ directory: path.join(mcp, 'approvals'), agentRoots: [root] }),
    pins: { policy: 'block', store: openPins(path.join(mcp, 'pins')), project: root },
  };
}

/** What is wrong with one server. */
interface Fault {
  readonly code: CoreErrorCode;
  readonly text: string;
  /** Verb and arguments of `orch mcp`. */
  readonly next: string;
}

/**
 * Looks up the servers that a plan names where `orch mcp list` finds them. Starts nothing.
 * @throws CoreError `ORCH_SERVER_CONFIG`, `ORCH_SERVER_UNAPPROVED`, with what is wrong with all of them
 */
export function findServers(named: readonly NamedServer[], place: ServerPlace): ConfiguredServers {
  const { root, environment } = place;
  const known = readClaudeServers({ project: root, environment, mistakes: 'leave_out' });
  const { approvals } = hubOptions(place);
  const login = loginOf(place);
  const errors = known.problems.filter(({ severity }) => severity === 'error');
  const servers: Record<string, ServerSpec> = {};
  const faults: Fault[] = [];
  let hasMemory = false;
  for (const { server, by } of named) {
    const spec = Object.hasOwn(known.servers, server) ? known.servers[server] : undefined;
    const wrong = errors.filter((problem) => problem.server === server);
    const who = `${by.id} (${by.at.file}:${by.at.line}) is to be handed the MCP server ${server}`;
    if (wrong.length > 0) {
      const text = `${who}, whose configuration has mistakes: ${wrong.map(formatProblem).join(' ')}`;
      faults.push({ code: 'ORCH_SERVER_CONFIG', text, next: 'list' });
    } else if (spec !== undefined) {
      servers[server] = withLogin(withoutNpx(spec, { cwd: root, environment }), login);
      const origin = 'origin' in spec ? spec.origin : undefined;
      const unapproved = whyUnapproved(server, origin, approvals);
      if (unapproved === undefined) continue;
      const { source = '', command = '', changed } = unapproved.details;
      const why =
        typeof changed !== 'string'
          ? 'nobody has approved it'
          : `${changed} is not what it was when it was approved`;
      const text = `${who}, which ${String(source)} defines, and ${why}. It is: ${String(command)}`;
      faults.push({ code: 'ORCH_SERVER_UNAPPROVED', text, next: `approve ${server}` });
    } else if (server === memoryName) hasMemory = true;
    else {
      const names = new Set([...Object.keys(known.servers), memoryName]);
      const unread = errors.filter((problem) => problem.server === undefined);
      const text = `${who}, which is not configured here. There are: ${[...names, ...unread.map(formatProblem)].join(', ')}`;
      faults.push({ code: 'ORCH_SERVER_CONFIG', text, next: `add ${server} -- COMMAND` });
    }
  }
  refuse(faults, place);
  return { servers, hasMemory };
}

/**
 * Starts each server once, and ends it: what does not start, wants a login, or says of itself what is not pinned, is found out
 * before anything is paid for.
 * @throws CoreError `ORCH_SERVER_FAILED`, `ORCH_SERVER_LOGIN`, `ORCH_SERVER_CHANGED`, with what is wrong with all of them
 */
export async function tryServers(
  { servers }: ConfiguredServers,
  place: ServerPlace,
): Promise<void> {
  const hub = createMcpHub({ servers, ...hubOptions(place) });
  try {
    const found = await Promise.all(
      Object.keys(servers).map(async (server): Promise<Fault | undefined> => {
        try {
          const { changes } = await hub.server(server).review();
          if (changes.length === 0) return undefined;
          const text = `The MCP server ${server} says of itself what is not pinned: ${changes.map(formatChange).join('; ')}`;
          return { code: 'ORCH_SERVER_CHANGED', text, next: `pin ${server}` };
        } catch (error) {
          if (!McpError.isInstance(error)) throw error;
          const text = `The MCP server ${server} cannot be used: ${error.message}`;
          if (error.code === 'ORCH_MCP_OAUTH' && error.details['reason'] === 'login')
            return { code: 'ORCH_SERVER_LOGIN', text, next: `login ${server}` };
          return { code: 'ORCH_SERVER_FAILED', text, next: `doctor ${server}` };
        }
      }),
    );
    refuse(
      found.filter((fault) => fault !== undefined),
      place,
    );
  } finally {
    await hub.close();
  }
}

/** All at once; the command is for the first. */
function refuse(faults: readonly Fault[], { root, directory }: ServerPlace): void {
  const [first] = faults;
  if (first === undefined) return;
  const there = path.resolve(directory) === root ? '' : `cd ${shellWord(root)} && `;
  throw new CoreError(
    first.code,
    faults.map(({ text }) => text).join('\n'),
    { servers: faults.map(({ code, text }) => ({ code, text })) },
    { next: `${there}orch mcp ${first.next}` },
  );
}
