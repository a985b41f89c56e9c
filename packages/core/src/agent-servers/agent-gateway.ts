import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { AgentDenial, AgentRequest, ServerUse } from '@orch/coordinator';
import { openWriter } from '@orch/jsonl';
import { createMcpHub, type Filters, type McpHub } from '@orch/mcp';
import {
  createGateway,
  type GatewayEvent,
  type McpGateway,
  type McpService,
} from '@orch/mcp/gateway';
import { createMemoryService, openMemory } from '@orch/mcp/memory';
import type { ProcessOwner } from '@orch/process';
import { oneLine } from '../parts/session-events.js';
import { hubOptions, type ConfiguredServers, type ServerPlace } from './configured-servers.js';
import { memoryName } from './named-servers.js';

/** What the one server is called that an agent sees. */
const gatewayName = 'orch';

/** What lets one attempt in. */
export interface Admission {
  /** For `--mcp-config`: one server, which leads to the gateway. Readable by its owner alone; no token is in it. */
  readonly configFile: string;
  /** What the one server is called there. */
  readonly server: string;
  /** To be kept out of every record. */
  readonly token: string;
  /** From now on nothing is passed on. */
  end(): Promise<void>;
}

/** The MCP servers of a run, behind one gateway. Nothing is started before the first attempt that is let in. */
export interface AgentGateway {
  /**
   * Starts the servers of an attempt, and lets it in. `refused` hears of every call that is not passed on, each once.
   * Rejects with an `McpError` when a server cannot be used.
   */
  admit(
    request: AgentRequest,
    options: {
      /** Outside of the workspace. */
      readonly home: string;
      readonly signal: AbortSignal;
      readonly refused: (denial: AgentDenial) => void;
    },
  ): Promise<Admission>;
  /** Ends the servers; resolves when nothing of them is left. Can be called again. */
  close(): Promise<void>;
}

export interface AgentGatewayParts extends ConfiguredServers {
  readonly place: ServerPlace;
  /** Of the run: who takes up a run whose leader was killed finds the servers in its ledger. */
  readonly owner: ProcessOwner;
  /** Gets the run's memory, and the log of the gateway. */
  readonly runDirectory: string;
}

/** From the time limit of an attempt to the end of its token, if nobody took it back. */
const marginMs = 60_000;
const longestMs = 2 ** 31 - 1;

/** `orch-mcp-bridge`, found by path, so that no agent's PATH decides what gets the token. */
const bridgeProgram = (): string =>
  path.join(
    path.dirname(createRequire(import.meta.url).resolve('@orch/mcp/package.json')),
    'dist/bridge-main.js',
  );

interface Opened {
  readonly hub: McpHub;
  readonly gateway: McpGateway;
  readonly url: string;
}

/** Creates the gateway of a run. Starts nothing. */
export function createAgentGateway(parts: AgentGatewayParts): AgentGateway {
  const heard = new Map<string, (event: GatewayEvent) => void>();
  /** Ends what was opened; the last is ended first. */
  const ends: (() => Promise<void>)[] = [];
  let opening: Promise<Opened> | undefined;
  let closing: Promise<void> | undefined;

  async function open(): Promise<Opened> {
    const log = await openLog(path.join(parts.runDirectory, 'gateway.jsonl'));
    ends.unshift(() => log.close());
    const services: Record<string, McpService> = {};
    if (parts.hasMemory) {
      const memory = await openMemory(path.join(parts.runDirectory, 'memory.jsonl'));
      ends.unshift(() => memory.close());
      services[memoryName] = createMemoryService(memory);
    }
    const { servers, owner } = parts;
    const hub = createMcpHub({ servers, owner, ...hubOptions(parts.place) });
    ends.unshift(() => hub.close());
    const gateway = createGateway(hub, {
      services,
      log(event) {
        log.write(event);
        if (event.attempt !== undefined) heard.get(event.attempt)?.(event);
      },
    });
    ends.unshift(() => gateway.close());
    const { url } = await gateway.listen();
    return { hub, gateway, url };
  }

  async function endAll(): Promise<void> {
    // What could not be opened has been told to who wanted it.
    await opening?.catch(() => undefined);
    const failures: unknown[] = [];
    for (const end of ends) await end().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0] as Error;
  }

  return {
    async admit(request, { home, signal, refused }) {
      const { hub, gateway, url } = await (opening ??= open());
      const uses = request.agent.mcp ?? [];
      const attempt = `${request.task}.${request.attempt}`;
      await Promise.all(
        uses
          .filter(({ server }) => Object.hasOwn(parts.servers, server))
          .map(({ server }) => hub.server(server).tools({ signal })),
      );
      const directory = path.join(home, `mcp.${attempt}`);
      // Another leader may have left it.
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const told = new Set<string>();
      heard.set(attempt, (event) => {
        const denial = denialOf(event, uses);
        if (denial === undefined || told.has(denial.tool)) return;
        told.add(denial.tool);
        refused(denial);
      });
      const grant = await gateway.grant({
        attempt,
        servers: uses.map(({ server }) => server),
        filter: filterOf(uses),
        ttlMs: Math.min(request.timeoutMs + marginMs, longestMs),
        tokenFile: path.join(directory, 'token'),
      });
      const configFile = path.join(directory, 'servers.json');
      const server = { command: process.execPath, args: [bridgeProgram(), url, grant.tokenFile] };
      await writeFile(
        configFile,
        `${JSON.stringify({ mcpServers: { [gatewayName]: server } }, undefined, 2)}\n`,
        { mode: 0o600, flag: 'wx' },
      );
      return {
        configFile,
        server: gatewayName,
        token: await readFile(grant.tokenFile, 'utf8'),
        async end() {
          await grant.revoke();
          heard.delete(attempt);
          await rm(directory, { recursive: true, force: true });
        },
      };
    },
    close: () => (closing ??= endAll()),
  };
}

interface GatewayLog {
  write(event: GatewayEvent): void;
  /** Rejects with what could not be written. */
  close(): Promise<void>;
}

async function openLog(file: string): Promise<GatewayLog> {
  const writer = await openWriter(file, { access: 'shared', durability: 'kernel' });
  let failure: unknown;
  return {
    write(event) {
      writer.append(logged(event)).catch((error: unknown) => (failure ??= error));
    },
    async close() {
      await writer.close();
      if (failure !== undefined) throw failure as Error;
    },
  };
}

/** Names come from agents, of any length. */
function logged(event: GatewayEvent): object {
  const at = new Date().toISOString();
  if (event.type === 'missing') {
    const { error, ...rest } = event;
    return { at, ...rest, code: error.code, error: oneLine(error.message) };
  }
  const name = 'name' in event ? event.name : undefined;
  return { at, ...event, ...(name === undefined ? {} : { name: oneLine(name) }) };
}

/** What a task may use, by the names that the gateway gives. Who may use some tools only gets nothing else of a server. */
function filterOf(uses: readonly ServerUse[]): Filters {
  const whole = uses.filter(({ allow }) => allow === undefined);
  return {
    tools: {
      allow: uses.flatMap(({ server, allow = ['*'] }) => allow.map((one) => `${server}__${one}`)),
      deny: uses.flatMap(({ server, deny = [] }) => deny.map((one) => `${server}__${one}`)),
    },
    prompts: { allow: whole.map(({ server }) => `${server}__*`) },
    resources: { allow: whole.map(({ server }) => `mcp://${server}/*`) },
  };
}

function denialOf(event: GatewayEvent, uses: readonly ServerUse[]): AgentDenial | undefined {
  if (event.type !== 'refused' || event.name === undefined) return undefined;
  const name = oneLine(event.name);
  const server = /^(?:mcp:\/\/)?(.*?)(?:__|\/|$)/.exec(name)?.[1] ?? '';
  const isNamed = uses.some((use) => use.server === server);
  const reason = isNamed
    ? `not passed on: ${event.why}; look at mcp: of the task`
    : `not passed on: mcp: of the task does not name ${server}`;
  return { tool: `mcp__${gatewayName}__${name}`, input: '', reason };
}
