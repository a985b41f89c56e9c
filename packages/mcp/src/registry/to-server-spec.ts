import { McpError } from '../mcp-error.js';
import { isInnerHost } from './guarded-get.js';
import type {
  RegistryInput,
  RegistryPackage,
  RegistryRemote,
  RegistryServer,
} from './registry-server.js';

/** A server as `.mcp.json` has it, values that are not known yet as `${NAME}`. */
export type ConfiguredServer =
  | {
      readonly type: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    }
  | {
      readonly type: 'http' | 'sse';
      readonly url: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** A variable that stands in a `ConfiguredServer`, and must be set before it starts. */
export interface NeededVariable {
  readonly name: string;
  readonly description?: string;
  readonly isSecret: boolean;
}

export interface ServerPlan {
  readonly spec: ConfiguredServer;
  readonly needs: readonly NeededVariable[];
  /** What of the entry was not taken over, and why. */
  readonly leftOut: readonly string[];
}

export interface ToServerSpecOptions {
  /** Default: a remote if there is one that can be used, else a package. */
  readonly prefer?: 'remote' | 'package';
}

const npmName = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/;
const pypiName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const exactVersion = /^\d[A-Za-z0-9]*(?:[-+.][A-Za-z0-9]+)*(?:[-+.][A-Za-z0-9.-]+)?$/;
/** As npm has it. */
const longestVersion = 256;
const npmRegistry = /^https:\/\/registry\.npmjs\.org\/?$/;
const pypiRegistry = /^https:\/\/pypi\.org\/?(?:simple\/?)?$/;

/**
 * How a server of a registry is started or reached from here: an npm package through `npx` and a PyPI package through
 * `uvx`, each in its exact version, or a remote address over https. Arguments for `npx` and `uvx` themselves are left
 * out: they could run anything. Throws `ORCH_MCP_REGISTRY` with the reason for each way that it cannot go.
 */
export function toServerSpec(
  server: RegistryServer,
  { prefer = 'remote' }: ToServerSpecOptions = {},
): ServerPlan {
  const reasons: string[] = [];
  const attempt = <T>(
    items: readonly T[],
    plan: (item: T) => ServerPlan,
  ): ServerPlan | undefined => {
    for (const item of items) {
      try {
        return plan(item);
      } catch (error) {
        if (!(error instanceof Unusable)) throw error;
        reasons.push(error.message);
      }
    }
    return undefined;
  };
  const remote = (): ServerPlan | undefined => attempt(server.remotes, ofRemote);
  const local = (): ServerPlan | undefined => attempt(server.packages, ofPackage);
  const found = prefer === 'remote' ? (remote() ?? local()) : (local() ?? remote());
  if (found !== undefined) return found;
  const why = reasons.length === 0 ? 'it names no package and no address' : reasons.join('; ');
  throw new McpError(
    'ORCH_MCP_REGISTRY',
    `${server.name} ${server.version} cannot be used from here: ${why}.`,
    { details: { server: server.name, reasons } },
  );
}

class Unusable extends Error {}

function ofPackage(one: RegistryPackage): ServerPlan {
  const { registryType, identifier, version, transport } = one;
  const what = `the ${registryType} package ${JSON.stringify(identifier)}`;
  const isNpm = registryType === 'npm';
  if (!isNpm && registryType !== 'pypi')
    throw new Unusable(`${what} is of a kind that is not started here (npm and pypi are)`);
  if (transport !== 'stdio')
    throw new Unusable(`${what} speaks over ${transport}, and is not started over stdio`);
  if (!(isNpm ? npmName : pypiName).test(identifier))
    throw new Unusable(`${what} has no valid name`);
  if (version.length > longestVersion || !exactVersion.test(version))
    throw new Unusable(`${what} gives ${JSON.stringify(version)} for an exact version`);
  const place = one.registryBaseUrl;
  if (place !== undefined && !(isNpm ? npmRegistry : pypiRegistry).test(place))
    throw new Unusable(`${what} is to come from ${place}, and not from the usual place`);
  const needs = new Needs();
  const args = one.packageArguments.flatMap((argument) => argumentOf(argument, needs));
  const env = Object.fromEntries(
    one.environmentVariables.flatMap((variable) => {
      const value = valueOf(variable, needs, variable.name);
      return value === undefined ? [] : [[variable.name, value] as const];
    }),
  );
  const pinned = `${identifier}@${version}`;
  return {
    spec: {
      type: 'stdio',
      command: isNpm ? 'npx' : 'uvx',
      args: [...(isNpm ? ['-y', pinned] : [pinned]), ...args],
      ...(Object.keys(env).length > 0 && { env }),
    },
    needs: needs.list,
    leftOut: one.runtimeArguments.map(
      ({ name, value }) => `the runtime argument ${[name, value].filter(Boolean).join(' ')}`,
    ),
  };
}

function ofRemote({ type, url, headers, variables }: RegistryRemote): ServerPlan {
  const kind = type === 'sse' ? 'sse' : /^(?:streamable[-_]http|http)$/.test(type) ? 'http' : '';
  if (kind === '') throw new Unusable(`the remote ${url} speaks ${type}, which is not known`);
  // A place in the address must be a part of it, not the host: the host is what is trusted.
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'https:') throw new Unusable(`the remote ${url} is no https: address`);
  if (isInnerHost(parsed) || parsed.username !== '' || /[{}%]/.test(parsed.hostname))
    throw new Unusable(`the remote ${url} does not name a public host`);
  const needs = new Needs();
  const filled = fill(url, variables, needs);
  const given = Object.fromEntries(
    headers.flatMap((header) => {
      const value = valueOf(header, needs, header.name);
      return value === undefined ? [] : [[header.name, value] as const];
    }),
  );
  return {
    spec: { type: kind, url: filled, ...(Object.keys(given).length > 0 && { headers: given }) },
    needs: needs.list,
    leftOut: [],
  };
}

/** Variables that are needed, each once. */
class Needs {
  readonly list: NeededVariable[] = [];

  /** `${NAME}`, of a name that an environment can have. */
  reference(name: string, { description, isSecret }: RegistryInput): string {
    const known = name
      .replaceAll(/[^A-Za-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .toUpperCase();
    const safe = /^[A-Z]/.test(known) ? known : `ARGUMENT_${known}`;
    if (!this.list.some((one) => one.name === safe))
      this.list.push({ name: safe, ...(description !== undefined && { description }), isSecret });
    return `\${${safe}}`;
  }
}

/** Undefined: it is optional, and has no value. */
function valueOf(input: RegistryInput, needs: Needs, name: string): string | undefined {
  if (input.value !== undefined) return fill(input.value, input.variables, needs);
  if (input.isRequired) return needs.reference(name, input);
  // A default is the server's own affair: it has it without us.
  return undefined;
}

/** `{name}` as `${NAME}`; `${` of the publisher is no reference of ours. */
function fill(text: string, variables: readonly RegistryInput[], needs: Needs): string {
  if (text.includes('${'))
    throw new Unusable(`${JSON.stringify(text)} would read variables of this machine`);
  return text.replaceAll(/\{([^{}]+)\}/g, (whole, name: string) => {
    const variable = variables.find((one) => one.name === name);
    if (variable === undefined) return whole;
    return variable.value ?? variable.default ?? needs.reference(name, variable);
  });
}

function argumentOf(argument: RegistryInput, needs: Needs): readonly string[] {
  const value = valueOf(argument, needs, argument.name);
  if (argument.kind === 'positional') return value === undefined ? [] : [value];
  if (value !== undefined) return [fill(argument.name, [], needs), value];
  return [];
}
