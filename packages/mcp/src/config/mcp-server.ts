import { getNodeValue, type Node } from 'jsonc-parser';
import { checkServer, type ServerSpec } from '../hub/server-spec.js';
import { McpError } from '../mcp-error.js';
import type { ServerOrigin } from '../safety/approval-store.js';
import type { WrittenServer } from '../safety/written-server.js';
import { entriesOf, type JsonDocument } from './document.js';
import { expandVariables } from './expand.js';
import { splitCommand } from './split-command.js';

export interface Surroundings {
  readonly project: string;
  readonly scope: ServerOrigin['scope'];
  readonly source: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The values of these are no secrets, and stand in half of all messages. */
const open: ReadonlySet<string> = new Set([
  'HOME',
  'PWD',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'TERM',
  'TMPDIR',
  'TZ',
]);

const ours = new Set([
  ...['startMs', 'timeoutMs', 'totalMs', 'pingMs', 'maxMessageBytes', 'closeMs', 'cwd'],
  ...['tools', 'resources', 'prompts', 'dataResources'],
]);
/** What Claude Code knows, and what is made of it here. */
const common = ['type', 'timeout', 'alwaysLoad', 'x-orch'];
const known = {
  stdio: [...common, 'command', 'args', 'env', 'cwd'],
  http: [...common, 'url', 'headers', 'headersHelper', 'oauth', 'tools'],
  sse: [...common, 'url', 'headers', 'headersHelper', 'oauth', 'tools'],
  ws: [...common, 'url', 'headers', 'headersHelper'],
} as const;

/** Reads one server. Undefined: it has mistakes, and all of them are noted. */
export function readServer(
  document: JsonDocument,
  name: string,
  key: Node,
  node: Node,
  around: Surroundings,
): ServerSpec | undefined {
  const secrets = new Set<string>();
  const mistakes: string[] = [];
  const wrong: Wrong = (at, message) => {
    mistakes.push(message);
    document.problem('error', at, message, name);
    return undefined;
  };
  if (node.type !== 'object') {
    wrong(node, `The server ${name} must be an object.`);
    return;
  }
  const entries = entriesOf(document, node, name);
  const valueOf = (field: string): Node | undefined => entries.get(field)?.value;

  const text = (at: Node, what: string): string | undefined =>
    typeof at.value === 'string' ? at.value : wrong(at, `${what} of ${name} must be a text.`);

  const texts = (field: string): readonly string[] | undefined => {
    const at = valueOf(field);
    if (at === undefined) return undefined;
    if (at.type !== 'array') {
      wrong(at, `${field} of ${name} must be a list of texts.`);
      return;
    }
    return (at.children ?? []).flatMap((one, index) => text(one, `${field}[${index}]`) ?? []);
  };
  const named = (field: string): Readonly<Record<string, string>> | undefined => {
    const at = valueOf(field);
    if (at === undefined) return undefined;
    if (at.type !== 'object') {
      wrong(at, `${field} of ${name} must be an object of texts.`);
      return;
    }
    return Object.fromEntries(
      [...entriesOf(document, at, name)].flatMap(([one, { value }]) => {
        const given = text(value, `${field}.${one}`);
        return given === undefined ? [] : [[one, given]];
      }),
    );
  };
  const fill = (written: string, at: Node): string => {
    const { text: filled, unset, values } = expandVariables(written, around.environment);
    for (const variable of new Set(unset))
      wrong(at, `The variable ${variable} is not set; set it, or write \${${variable}:-default}.`);
    for (const value of values) secrets.add(value);
    return filled;
  };
  const fillAll = (
    given: Readonly<Record<string, string>>,
    field: string,
  ): Record<string, string> =>
    Object.fromEntries(
      Object.entries(given).map(([one, value]) => [one, fill(value, valueOf(field) ?? node)]),
    );

  const typeNode = valueOf('type');
  const written: unknown = typeNode === undefined ? 'stdio' : typeNode.value;
  const type = written === 'streamable-http' ? 'http' : written;
  if (!isKnownType(type)) {
    wrong(
      typeNode ?? node,
      `The server ${name} is of a type that cannot be used here; there are stdio, http, sse and ws.`,
    );
    return;
  }
  const needed = type === 'stdio' ? 'command' : 'url';
  if (valueOf(needed) === undefined) {
    const isMeant = type === 'stdio' && valueOf('url') !== undefined;
    wrong(
      key,
      isMeant
        ? `The server ${name} has a url and no type; add "type": "http".`
        : `The server ${name} has no ${needed}; give it one.`,
    );
    return undefined;
  }
  for (const [field, { key: at }] of entries)
    if (!(known[type] as readonly string[]).includes(field))
      wrong(
        at,
        `${name} has no field ${JSON.stringify(field)}; a server of type ${type} has ${known[type].join(', ')}.`,
      );
  const oauth = entries.get('oauth');
  if (oauth !== undefined)
    document.problem(
      'warning',
      oauth.key,
      `oauth of ${name} is not read from here; give it to: orch-mcp login ${name} --client-id ID`,
      name,
    );

  const more = readOurs(document, name, valueOf('x-orch'), wrong);
  const timeout = valueOf('timeout');
  if (timeout !== undefined && typeof timeout.value !== 'number')
    wrong(timeout, `timeout of ${name} must be a number of ms.`);
  const denied = deniedTools(valueOf('tools'), name, wrong);
  const shared = {
    ...(typeof timeout?.value === 'number' && { timeoutMs: timeout.value }),
    ...more,
    ...(denied.length > 0 && { tools: addDenied(more['tools'], denied) }),
  };

  let definition: WrittenServer;
  let spec: Record<string, unknown>;
  if (type === 'stdio') {
    const command = text(valueOf('command') ?? node, 'command') ?? '';
    const args = texts('args') ?? [];
    const env = named('env') ?? {};
    const cwdNode = valueOf('cwd');
    const cwd = cwdNode && text(cwdNode, 'cwd');
    definition = { command, args, env, ...(cwd !== undefined && { cwd }) };
    spec = {
      command: fill(command, valueOf('command') ?? node),
      args: args.map((one, index) => fill(one, valueOf('args')?.children?.[index] ?? node)),
      env: fillAll(env, 'env'),
      cwd: around.project,
      ...(cwd !== undefined && { cwd: fill(cwd, cwdNode ?? node) }),
    };
  } else {
    const url = text(valueOf('url') ?? node, 'url') ?? '';
    const headers = named('headers') ?? {};
    const helper = readHelper(valueOf('headersHelper'), name, wrong);
    definition = { type, url, headers, ...(helper && { headersHelper: helper.written }) };
    spec = {
      type,
      url: fill(url, valueOf('url') ?? node),
      headers: fillAll(headers, 'headers'),
      ...(helper && { headersHelper: helper.argv }),
    };
  }
  // What loosens a guard is approved with what runs.
  if (more['dataResources'] === true) definition = { ...definition, dataResources: true };
  if (mistakes.length > 0) return undefined;
  const { scope, source, project, environment } = around;
  for (const variable of open) secrets.delete(environment[variable] ?? '');
  const whole = {
    ...spec,
    ...shared,
    secrets: [...secrets],
    origin: { scope, source, project, written: definition },
  } as unknown as ServerSpec;
  try {
    checkServer(name, whole, { cwd: project, environment });
  } catch (error) {
    if (!McpError.isInstance(error)) throw error;
    wrong(key, error.message);
    return;
  }
  return whole;
}

const isKnownType = (type: unknown): type is keyof typeof known =>
  typeof type === 'string' && Object.hasOwn(known, type);

/** Notes a mistake; there is nothing to go on with. */
type Wrong = (at: Node, message: string) => undefined;

/** What only this package knows of: filters and times. */
function readOurs(
  document: JsonDocument,
  name: string,
  node: Node | undefined,
  wrong: Wrong,
): Readonly<Record<string, unknown>> {
  if (node === undefined) return {};
  if (node.type !== 'object') {
    wrong(node, `x-orch of ${name} must be an object.`);
    return {};
  }
  for (const [field, { key }] of entriesOf(document, node, name))
    if (!ours.has(field))
      wrong(
        key,
        `x-orch of ${name} has no field ${JSON.stringify(field)}; it has ${[...ours].join(', ')}.`,
      );
  return getNodeValue(node) as Record<string, unknown>;
}

function readHelper(
  node: Node | undefined,
  name: string,
  wrong: Wrong,
): { readonly written: string | readonly string[]; readonly argv: readonly string[] } | undefined {
  if (node === undefined) return undefined;
  const value: unknown = getNodeValue(node);
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string'))
    return { written: value, argv: value };
  if (typeof value !== 'string') {
    wrong(node, `headersHelper of ${name} must be a command, as a text or as a list of texts.`);
    return;
  }
  const split = splitCommand(value);
  if ('argv' in split) return { written: value, argv: split.argv };
  wrong(
    node,
    `headersHelper of ${name} cannot be run: ${split.fault}. No shell is used here: put it into a script, and name that.`,
  );
}

/** Claude Code's own list of tools with a policy: what it denies is denied here too. */
function deniedTools(node: Node | undefined, name: string, wrong: Wrong): readonly string[] {
  if (node === undefined) return [];
  const value: unknown = getNodeValue(node);
  if (!Array.isArray(value)) {
    wrong(node, `tools of ${name} must be a list; filters of names stand in x-orch.`);
    return [];
  }
  return (value as unknown[]).flatMap((one) => {
    const { name: tool, permission_policy: policy } = (one ?? {}) as Record<string, unknown>;
    return typeof tool === 'string' && /deny/i.test(String(policy)) ? [tool] : [];
  });
}

function addDenied(filter: unknown, denied: readonly string[]): unknown {
  if (typeof filter !== 'object' || filter === null) return { deny: denied };
  const { deny } = filter as { deny?: unknown };
  return { ...filter, deny: Array.isArray(deny) ? [...(deny as unknown[]), ...denied] : denied };
}
