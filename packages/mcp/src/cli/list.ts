import { isJsonObject, type JsonObject } from '../json.js';
import type { Host } from './host.js';
import { openSource, type SourceFlags } from './open-server.js';
import { errorFacts, exitCode } from './report.js';
import { readServersFile } from './servers-file.js';
import { oneLine } from './terminal-text.js';

interface Flags extends SourceFlags {
  readonly json?: boolean;
}

/** `list`: the configured servers. Starts nothing, and shows no value of a variable or header. */
export async function listVerb(host: Host, flags: Flags): Promise<number> {
  const { path, servers } = await readServersFile(host, flags.config);
  const rows = Object.entries(servers).map(([name, server]) => ({
    name,
    type: kindOf(server),
    target: targetOf(server),
    variables: Object.keys(isJsonObject(server['env']) ? server['env'] : {}),
    headers: Object.keys(isJsonObject(server['headers']) ? server['headers'] : {}),
  }));
  if (flags.json) host.json({ file: path, servers: rows });
  else if (rows.length === 0) host.line(`${path} has no servers.`);
  else for (const { name, type, target } of rows) host.line(`${name}  ${type}  ${oneLine(target)}`);
  return exitCode.ok;
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
