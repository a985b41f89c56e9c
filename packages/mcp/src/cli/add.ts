import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { ServerPlan } from '../registry/index.js';
import type { Host } from './host.js';
import { targetOf } from './list.js';
import { presetPlan } from './preset-plan.js';
import { exitCode, UsageError } from './report.js';
import { openRegistry } from './search.js';
import { readServersFile, writeServer } from './servers-file.js';
import { oneLine } from './terminal-text.js';

interface AddFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly from?: string;
  readonly preset?: string;
  readonly registry?: string;
  readonly prefer?: string;
  readonly url?: string;
  readonly sse?: boolean;
  readonly env?: readonly string[];
  readonly header?: readonly string[];
  readonly force?: boolean;
}

/** `add NAME …`: writes a server into the file. Starts nothing. */
export async function addVerb(
  host: Host,
  given: string | undefined,
  command: readonly string[],
  flags: AddFlags,
): Promise<number> {
  const { preset } = flags;
  const name = given ?? preset;
  if (name === undefined) throw new UsageError('Say what the server is to be called: add NAME …');
  const words = preset === undefined && command.length > 0;
  const ways = [words, flags.url !== undefined, flags.from !== undefined, preset !== undefined];
  if (ways.filter(Boolean).length !== 1)
    throw new UsageError(
      'Say what to add in one way: a command after --, --url ADDRESS, --from NAME of the registry, or --preset PRESET',
    );
  const file = await readServersFile(host, flags.config, true);
  if (Object.hasOwn(file.servers, name) && flags.force !== true)
    throw new McpError(
      'ORCH_MCP_SPEC',
      `${file.path} has a server ${JSON.stringify(name)} already. Give another name, or --force.`,
    );
  const plan = await planOf(host, command, flags);
  const server = plan.spec as unknown as JsonObject;
  await checkName(name);
  await writeServer(file, name, server);
  if (flags.json) {
    host.json({ file: file.path, name, server, needs: plan.needs, leftOut: plan.leftOut });
    return exitCode.ok;
  }
  host.line(`${name}  ${oneLine(targetOf(server))}  in ${file.path}`);
  for (const { name: variable, description = '', isSecret } of plan.needs)
    host.line(
      `    needs ${variable}${isSecret ? ' (secret)' : ''} in the environment  ${oneLine(description, 100)}`.trimEnd(),
    );
  for (const what of plan.leftOut) host.line(`    left out: ${oneLine(what)}`);
  host.line(`Try it: ${host.program} doctor ${name}`);
  return exitCode.ok;
}

async function checkName(name: string): Promise<void> {
  const { createMcpHub } = await import('../hub/hub.js');
  // Throws for a name by which no server could be called; starts nothing.
  await createMcpHub({ servers: { [name]: { command: 'true' } } }).close();
}

function specOf(command: readonly string[], flags: AddFlags): ServerPlan['spec'] {
  const pairs = (words: readonly string[] | undefined, by: RegExp, what: string) =>
    Object.fromEntries(
      (words ?? []).map((word) => {
        const found = by.exec(word);
        if (found === null)
          throw new UsageError(`Expected ${what}, received ${JSON.stringify(word)}`);
        return [found[1] ?? '', found[2] ?? ''] as const;
      }),
    );
  const env = pairs(flags.env, /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s, '--env NAME=value');
  const headers = pairs(flags.header, /^([A-Za-z0-9-]+): *(.*)$/s, "--header 'Name: value'");
  const [program, ...args] = command;
  if (program !== undefined) {
    if (flags.header !== undefined) throw new UsageError('A program takes --env, not --header');
    return { type: 'stdio', command: program, args, ...(flags.env && { env }) };
  }
  if (flags.env !== undefined) throw new UsageError('An address takes --header, not --env');
  if (!URL.canParse(flags.url ?? '')) throw new UsageError('--url takes an address: https://…');
  return {
    type: flags.sse === true ? 'sse' : 'http',
    url: flags.url ?? '',
    ...(flags.header && { headers }),
  };
}

async function planOf(host: Host, words: readonly string[], flags: AddFlags): Promise<ServerPlan> {
  const { from, preset } = flags;
  if (from !== undefined) return planFrom(host, from, flags);
  if (preset === undefined) return { spec: specOf(words, flags), needs: [], leftOut: [] };
  if (flags.env !== undefined || flags.header !== undefined)
    throw new UsageError('A preset takes neither --env nor --header');
  return presetPlan(preset, words);
}

async function planFrom(host: Host, from: string, flags: AddFlags): Promise<ServerPlan> {
  const { prefer } = flags;
  if (prefer !== undefined && prefer !== 'remote' && prefer !== 'package')
    throw new UsageError('--prefer takes remote or package');
  const { open, toServerSpec } = await openRegistry(flags.registry);
  const at = from.lastIndexOf('@');
  const [name, version] = at > 0 ? [from.slice(0, at), from.slice(at + 1)] : [from, undefined];
  const server = await open.get(name, version, { signal: host.signal });
  return toServerSpec(server, prefer === undefined ? {} : { prefer });
}
