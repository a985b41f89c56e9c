import { isJsonObject, type JsonObject } from '../json.js';
import type { Login } from '../auth/index.js';
import type { ServerSpec } from '../hub/server-spec.js';
import type { Host } from './host.js';
import { whyUnapproved, type ServerOrigin } from '../safety/approval-store.js';
import { describeLogin, loginFacts } from './login.js';
import { whyNoLogin } from '../auth/takes-login.js';
import { loginsOf } from './known-logins.js';
import { originOf, readKnownServers } from './known-servers.js';
import { approvalsOf, openSource, type SourceFlags } from './open-server.js';
import { errorFacts, exitCode } from './report.js';
import { readServersFile, toSpec } from './servers-file.js';
import { oneLine } from './terminal-text.js';

interface Flags extends SourceFlags {
  readonly json?: boolean;
}

/** `list`: the configured servers. Starts nothing, and shows no value of a variable or header. */
export async function listVerb(host: Host, flags: Flags): Promise<number> {
  const { path, servers } = await withLogins(
    host,
    flags.config === undefined ? listKnown(host) : await listFile(host, flags.config),
  );
  if (flags.json)
    host.json({
      file: path,
      servers: servers.map(({ login, address: _address, ...server }) => ({
        ...server,
        ...(login && { login: loginFacts(login) }),
      })),
    });
  else if (servers.length === 0) host.line(`${path} has no servers.`);
  else
    for (const { name, type, target, scope, approved, login } of servers) {
      const whose =
        scope === undefined ? '' : `  ${scope}${approved === false ? ', not approved' : ''}`;
      const known = login === undefined ? '' : `  ${describeLogin(login)}`;
      host.line(`${name}  ${type}  ${oneLine(target)}${whose}${known}`);
    }
  return exitCode.ok;
}

interface Row extends ReturnType<typeof describe> {
  readonly scope?: ServerOrigin['scope'];
  /** Of a server of the project: whether it may be started. */
  readonly approved?: boolean;
  /** With its variables filled in, where somebody can log in to it. Not shown. */
  readonly address?: URL;
  readonly login?: Login;
}

interface Listed {
  readonly path: string;
  readonly servers: readonly Row[];
}

/** A store that cannot be read is told, and hides no server. */
async function withLogins(host: Host, { path, servers }: Listed): Promise<Listed> {
  if (servers.every(({ address }) => address === undefined)) return { path, servers };
  const logins = await loginsOf(host);
  try {
    const rows = servers.map(async (row) => {
      const login = row.address && (await logins.find(row.address));
      return login === undefined ? row : { ...row, login };
    });
    return { path, servers: await Promise.all(rows) };
  } catch (error) {
    host.note(oneLine((error as Error).message));
    return { path, servers };
  }
}

/** Undefined where nobody logs in, and where a variable of the address is not set. */
function addressOf(specOf: () => ServerSpec): { readonly address?: URL } {
  try {
    const spec = specOf();
    const { url } = whyNoLogin(spec) === undefined && 'url' in spec ? spec : {};
    return url !== undefined && URL.canParse(url) ? { address: new URL(url) } : {};
  } catch {
    return {};
  }
}

const describe = (name: string, server: JsonObject) => ({
  name,
  type: kindOf(server),
  target: targetOf(server),
  variables: Object.keys(isJsonObject(server['env']) ? server['env'] : {}),
  headers: Object.keys(isJsonObject(server['headers']) ? server['headers'] : {}),
});

async function listFile(host: Host, config: string): Promise<Listed> {
  const { path, servers } = await readServersFile(host, config);
  return {
    path,
    servers: Object.entries(servers).map(([name, one]) => ({
      ...describe(name, one),
      ...addressOf(() => toSpec(name, one, host.environment)),
    })),
  };
}

function listKnown(host: Host): Listed {
  const { path, servers } = readKnownServers(host);
  const store = approvalsOf(host);
  return {
    path,
    servers: Object.entries(servers).flatMap(([name, spec]) => {
      const origin = originOf(spec);
      if (origin === undefined) return [];
      const row = {
        ...describe(name, origin.written as JsonObject),
        ...addressOf(() => spec),
        scope: origin.scope,
      };
      if (origin.scope !== 'project') return [row];
      return [{ ...row, approved: whyUnapproved(name, origin, store) === undefined }];
    }),
  };
}

const kindOf = (server: JsonObject): string =>
  typeof server['type'] === 'string' ? oneLine(server['type']) : 'url' in server ? 'http' : 'stdio';

/** The program with its arguments, or the address without its query. */
export function targetOf(server: JsonObject): string {
  const { command, args, url } = server;
  if (typeof url === 'string') return url.replace(/[?#].*$/s, '');
  const words = [command, ...(Array.isArray(args) ? (args as unknown[]) : [])];
  return words.filter((word) => typeof word === 'string').join(' ');
}

/** `tools [SERVER]`: what can be called. 7 if a server gave no list. */
export async function toolsVerb(
  host: Host,
  wanted: string | undefined,
  flags: Flags,
): Promise<number> {
  const source = await openSource(host, flags);
  try {
    const names = wanted === undefined ? source.names : [wanted];
    const lists = await Promise.all(
      names.map(async (server) => {
        try {
          const tools = await source.open(server).server.tools({ signal: host.signal });
          return { server, tools };
        } catch (error) {
          return { server, tools: [], error };
        }
      }),
    );
    const failed = lists.filter((list) => 'error' in list);
    const [alone] = failed;
    if (wanted !== undefined && alone !== undefined) throw alone.error;
    if (flags.json)
      host.json(
        lists.map((list) => ('error' in list ? { ...list, error: errorFacts(list.error) } : list)),
      );
    else
      for (const { server, tools } of lists)
        for (const { name, description = '', inputSchema } of tools)
          host.line(
            `${server} ${oneLine(name)}${argumentsOf(inputSchema)}  ${oneLine(description, 100)}`.trimEnd(),
          );
    for (const { server, error } of failed)
      host.note(`${server}: ${oneLine((error as Error).message)}`);
    return failed.length === 0 ? exitCode.ok : exitCode.environment;
  } finally {
    await source.close();
  }
}

/** ` path head?`: names of arguments, those that may be left out with a question mark. */
function argumentsOf({ properties, required }: JsonObject): string {
  if (!isJsonObject(properties)) return '';
  const must = new Set(Array.isArray(required) ? (required as unknown[]) : []);
  return Object.keys(properties)
    .map((name) => ` ${oneLine(name)}${must.has(name) ? '' : '?'}`)
    .join('');
}
