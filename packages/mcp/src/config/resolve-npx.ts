import { accessSync, constants, existsSync, readFileSync, realpathSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { inheritedFrom, type ServerSpec, type Surroundings } from '../hub/server-spec.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { unsureOfNpm } from './npm-settings.js';

export interface ResolveNpxOptions {
  /** Where the server runs. Default: the server's `cwd`, else the current directory. */
  readonly cwd?: string;
  /** What `npx` would be given besides the server's own `env`. Default: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface ResolvedNpx {
  /** Started by Node itself where `isDirect`, else as it was. */
  readonly spec: ServerSpec;
  readonly isDirect: boolean;
  /** The package and version that is started, or why it is left to `npx`. */
  readonly why: string;
}

/** A package that is installed in a `node_modules`, and the program that `npx` starts of it. */
interface Installed {
  readonly version: string;
  readonly program: string;
}

/** What stands before the package, and asks for nothing but no questions. */
const harmless: ReadonlySet<string> = new Set(['-y', '--yes', '--']);

/**
 * Finds what `npx` would start, so that Node can start it directly: the package as it is installed in the project, or,
 * at exactly the version that is asked for, in the place that the cache of `npx` has for it. Whatever is not plain, or
 * not certain, is left to `npx`. Reads files only; fetches nothing.
 */
export function resolveNpx(spec: ServerSpec, options: ResolveNpxOptions = {}): ResolvedNpx {
  const left = (why: string): ResolvedNpx => ({ spec, isDirect: false, why });
  if (!('command' in spec) || spec.command !== 'npx') return left('it is not started by npx');
  const { environment = process.env, cwd = spec.cwd ?? process.cwd() } = options;
  const seen = { ...environment, ...spec.env };
  const args = spec.args ?? [];
  const at = args.findIndex((one) => !harmless.has(one));
  const asked = args[at];
  if (asked === undefined || asked.startsWith('-')) return left('npx is given options of its own');
  const parts =
    /^((?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*)(?:@(\d+\.\d+\.\d+(?:-[\w.-]+)?))?$/i.exec(asked);
  const name = parts?.[1];
  if (name === undefined) return left(`${asked} is no package at one exact version`);
  const version = parts?.[2];

  const node = nodeOf(seen['PATH']);
  const home = seen['HOME'] ?? homedir();
  const project = projectOf(resolve(cwd));
  const unsure = unsureOfNpm({ name, asked, node, home, project, own: spec.env ?? {} });
  if (unsure !== undefined) return left(unsure);

  const found = ({ version: its, program }: Installed): ResolvedNpx => ({
    spec: { ...spec, command: node, args: [program, ...args.slice(at + 1)] },
    isDirect: true,
    why: `${name}@${its}`,
  });
  // npx takes what it is given for the name of a program first, and looks for that upwards.
  const named = upwards(project)
    .map((above) => join(above, 'node_modules'))
    .find((modules) => existsSync(join(modules, '.bin', asked)));
  if (named !== undefined && version !== undefined) return left(`${named} has a program ${asked}`);
  const local = installedIn(
    named ?? join(project, 'node_modules'),
    name,
    named === undefined ? undefined : asked,
  );
  if (local !== undefined && (version === undefined || local.version === version))
    return 'why' in local ? left(local.why) : found(local);
  if (version === undefined) return left(`${asked} is not installed`);
  const cache = seen['npm_config_cache'] ?? join(home, '.npm');
  const cached = installedIn(join(cache, '_npx', slotOf(asked), 'node_modules'), name);
  if (cached?.version !== version) return left(`${asked} is neither installed nor cached`);
  return 'why' in cached ? left(cached.why) : found(cached);
}

/**
 * The server with `npx` left out where it is certain what that would start; for where a configuration becomes what is
 * started. What stands in the configuration, and is approved and pinned by it, stays as it is.
 */
export const withoutNpx = (spec: ServerSpec, { cwd, environment }: Surroundings): ServerSpec =>
  resolveNpx(spec, {
    cwd: resolve(cwd, ('command' in spec ? spec.cwd : undefined) ?? '.'),
    environment: inheritedFrom(environment),
  }).spec;

/** The `node` of the PATH, by which `npx` and its programs are run. */
function nodeOf(path = ''): string {
  for (const directory of path.split(delimiter)) {
    if (!isAbsolute(directory)) continue;
    const node = join(directory, 'node');
    try {
      accessSync(node, constants.X_OK);
      return realpathSync(node) === realpathSync(process.execPath) ? process.execPath : node;
    } catch {
      // It is in another.
    }
  }
  return process.execPath;
}

/** What npm takes for the project: the nearest directory that looks like one. */
function projectOf(cwd: string): string {
  for (const place of upwards(cwd))
    if (['package.json', 'node_modules'].some((one) => existsSync(join(place, one)))) return place;
  return cwd;
}

function upwards(from: string): readonly string[] {
  const places = [from];
  for (let place = from; dirname(place) !== place; place = dirname(place))
    places.push(dirname(place));
  return places;
}

/** How npx names the directory for a package in its cache. */
const slotOf = (asked: string): string =>
  createHash('sha512').update(asked).digest('hex').slice(0, 16);

/** Undefined: it is not there. `started`: the name of the program that npx starts; default: as the package has it. */
function installedIn(
  place: string,
  name: string,
  started?: string,
): Installed | { readonly version: string; readonly why: string } | undefined {
  const directory = join(place, name);
  const manifest = readManifest(directory);
  const version = manifest?.['version'];
  if (manifest?.['name'] !== name || typeof version !== 'string') return undefined;
  const bin = binOf(name, manifest);
  const program = bin && programOf(directory, bin.path);
  if (program === undefined) return { version, why: `${name} has no single program for Node` };
  // npx starts a program by its name: it may be that of another package.
  const command = started ?? bin?.name ?? '';
  if (!leadsTo(join(place, '.bin', command), program))
    return { version, why: `${command} in ${place} is not that of ${name}` };
  return { version, program };
}

function readManifest(directory: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The one program of a package, or the one of its own name. */
function binOf(
  name: string,
  { bin }: JsonObject,
): { readonly name: string; readonly path: string } | undefined {
  const own = name.replace(/^@[^/]+\//, '');
  if (typeof bin === 'string') return { name: own, path: bin };
  if (!isJsonObject(bin)) return undefined;
  const [first, ...more] = Object.keys(bin);
  const chosen = more.length === 0 ? first : own;
  const path = chosen === undefined || !Object.hasOwn(bin, chosen) ? undefined : bin[chosen];
  return chosen !== undefined && typeof path === 'string' ? { name: chosen, path } : undefined;
}

/** If it is a file in the package that Node runs. */
function programOf(directory: string, path: string): string | undefined {
  try {
    const root = realpathSync(directory);
    const program = realpathSync(join(root, path));
    const [first = ''] = readFileSync(program, 'utf8').slice(0, 200).split('\n');
    return program.startsWith(root + sep) && /^#!.*\bnode\s*$/.test(first) ? program : undefined;
  } catch {
    return undefined;
  }
}

/** A link, as npm makes it, or a script with the one path, as pnpm does. */
function leadsTo(bin: string, program: string): boolean {
  try {
    if (realpathSync(bin) === program) return true;
    const script = readFileSync(bin, 'utf8').slice(0, 10_000);
    const paths = [...script.matchAll(/"\$basedir\/([^"$]+)" +"\$@"/g)].map(
      ([, path = '']) => path,
    );
    const isOurs = (path: string): boolean => realpathSync(join(dirname(bin), path)) === program;
    return script.startsWith('#!/bin/sh') && paths.length > 0 && paths.every(isOurs);
  } catch {
    return false;
  }
}
