import { isJsonObject, type Json, type JsonObject } from '../json.js';

/** A value that a server wants: an argument, a variable or a header. */
export interface RegistryInput {
  /** Of a variable, a header or a named argument; of a positional one its hint. */
  readonly name: string;
  readonly kind: 'named' | 'positional';
  readonly description?: string;
  /** May hold `{name}`, which stands for one of `variables`. */
  readonly value?: string;
  readonly default?: string;
  readonly isRequired: boolean;
  readonly isSecret: boolean;
  readonly variables: readonly RegistryInput[];
}

/** A way to run a server here. */
export interface RegistryPackage {
  /** `npm`, `pypi`, `oci`, `nuget`, `mcpb`, or another. */
  readonly registryType: string;
  /** Of where packages are; undefined is the usual place. */
  readonly registryBaseUrl?: string;
  readonly identifier: string;
  readonly version: string;
  /** `stdio`, `streamable-http` or `sse`. */
  readonly transport: string;
  readonly runtimeArguments: readonly RegistryInput[];
  readonly packageArguments: readonly RegistryInput[];
  readonly environmentVariables: readonly RegistryInput[];
}

/** A server that runs elsewhere. */
export interface RegistryRemote {
  readonly type: string;
  readonly url: string;
  readonly headers: readonly RegistryInput[];
  readonly variables: readonly RegistryInput[];
}

/** What a registry says of one version of a server. These are its publisher's words. */
export interface RegistryServer {
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly version: string;
  readonly status: 'active' | 'deprecated' | 'deleted';
  readonly packages: readonly RegistryPackage[];
  readonly remotes: readonly RegistryRemote[];
  /** As it came. */
  readonly raw: JsonObject;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
const objects = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? (value as unknown[]).filter(isJsonObject) : [];

/** The field under any of its names: registries have changed them. */
function field(object: JsonObject, ...names: readonly string[]): Json | undefined {
  for (const name of names) if (object[name] !== undefined) return object[name];
  return undefined;
}

function input(value: JsonObject, name: string): RegistryInput {
  const [description, fixed, usual] = ['description', 'value', 'default'].map((key) =>
    text(value[key]),
  );
  const variables = value['variables'];
  return {
    name,
    kind: value['type'] === 'named' ? 'named' : 'positional',
    ...(description !== undefined && { description }),
    ...(fixed !== undefined && { value: fixed }),
    ...(usual !== undefined && { default: usual }),
    isRequired: field(value, 'isRequired', 'is_required') === true,
    isSecret: field(value, 'isSecret', 'is_secret') === true,
    variables: isJsonObject(variables)
      ? Object.entries(variables).flatMap(([key, one]) =>
          isJsonObject(one) ? input(one, key) : [],
        )
      : [],
  };
}

const inputs = (value: unknown): readonly RegistryInput[] =>
  objects(value).map((one, index) =>
    input(
      one,
      text(one['name']) ?? text(field(one, 'valueHint', 'value_hint')) ?? `argument_${index + 1}`,
    ),
  );

function readPackage(value: JsonObject): RegistryPackage | undefined {
  const identifier = text(field(value, 'identifier', 'name'));
  const registryType = text(field(value, 'registryType', 'registry_type', 'registry_name'));
  if (identifier === undefined || registryType === undefined) return undefined;
  const registryBaseUrl = text(field(value, 'registryBaseUrl', 'registry_base_url'));
  const transport = value['transport'];
  return {
    registryType,
    ...(registryBaseUrl !== undefined && { registryBaseUrl }),
    identifier,
    version: text(value['version']) ?? '',
    transport: (isJsonObject(transport) ? text(transport['type']) : text(transport)) ?? 'stdio',
    runtimeArguments: inputs(field(value, 'runtimeArguments', 'runtime_arguments')),
    packageArguments: inputs(field(value, 'packageArguments', 'package_arguments')),
    environmentVariables: inputs(field(value, 'environmentVariables', 'environment_variables')),
  };
}

function readRemote(value: JsonObject): RegistryRemote | undefined {
  const type = text(field(value, 'type', 'transport_type', 'transport'));
  const url = text(value['url']);
  if (type === undefined || url === undefined) return undefined;
  const variables = value['variables'];
  return {
    type,
    url,
    headers: inputs(value['headers']),
    variables: isJsonObject(variables) ? input({ variables }, '').variables : [],
  };
}

const official = 'io.modelcontextprotocol.registry/official';

/**
 * One entry of a registry's list, in any of the shapes that registries have used: the server inside `server` or bare,
 * names in one case or the other. Undefined for what has no name; of packages and remotes, what cannot be read is left
 * out.
 */
export function readRegistryServer(entry: unknown): RegistryServer | undefined {
  if (!isJsonObject(entry)) return undefined;
  const raw = isJsonObject(entry['server']) ? entry['server'] : entry;
  const name = text(raw['name']);
  if (name === undefined) return undefined;
  const meta = field(entry, '_meta', 'x-' + official) ?? raw['_meta'];
  const ours = isJsonObject(meta) ? (meta[official] ?? meta) : undefined;
  const status = (isJsonObject(ours) ? text(ours['status']) : undefined) ?? text(raw['status']);
  const detail = raw['version_detail'];
  const version = text(raw['version']) ?? (isJsonObject(detail) ? text(detail['version']) : '');
  const title = text(raw['title']);
  return {
    name,
    ...(title !== undefined && { title }),
    description: text(raw['description']) ?? '',
    version: version ?? '',
    status: status === 'deprecated' || status === 'deleted' ? status : 'active',
    packages: objects(raw['packages']).flatMap((one) => readPackage(one) ?? []),
    remotes: objects(raw['remotes']).flatMap((one) => readRemote(one) ?? []),
    raw: entry,
  };
}
