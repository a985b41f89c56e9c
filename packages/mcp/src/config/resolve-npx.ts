import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import type { ServerSpec } from '../hub/server-spec.js';
import { isJsonObject, type JsonObject } from '../json.js';

export interface ResolveNpxOptions {
  /** Where `node_modules` are looked for, and above it. Default: the server's `cwd`, else the current directory. */
  readonly cwd?: string;
  /** Default: `npm_config_cache`, else `.npm` in the home directory. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface ResolvedNpx {
  /** Started by Node itself where `isDirect`, else as it was. */
  readonly spec: ServerSpec;
  readonly isDirect: boolean;
  /** The package and version that is started, or why it is left to `npx`. */
  readonly why: string;
}

/** What stands before the package, and asks for nothing but no questions. */
const harmless: ReadonlySet<string> = new Set(['-y', '--yes', '--']);

/**
 * Finds what `npx` would start, so that Node can start it directly: the package must be installed at or above `cwd`,
 * or in the cache of `npx`, at exactly the version that is asked for; one without a version is taken only from
 * `node_modules`, as `npx` does. Whatever is not plain is left to `npx`. Reads files only; fetches nothing.
 */
export function resolveNpx(spec: ServerSpec, options: ResolveNpxOptions = {}): ResolvedNpx {
  const left = (why: string): ResolvedNpx => ({ spec, isDirect: false, why });
  if (!('command' in spec) || spec.command !== 'npx') return left('it is not started by npx');
  const { environment = process.env, cwd = spec.cwd ?? process.cwd() } = options;
  const args = spec.args ?? [];
  const at = args.findIndex((one) => !harmless.has(one));
  const asked = args[at];
  if (asked === undefined || asked.startsWith('-')) return left('npx is given options of its own');
  const parts =
    /^((?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*)(?:@(\d+\.\d+\.\d+(?:-[\w.-]+)?))?$/i.exec(asked);
  const name = parts?.[1];
  if (name === undefined) return left(`${asked} is no package at one exact version`);
  const version = parts?.[2];
  const found = (program: string, installed: string): ResolvedNpx => ({
    spec: { ...spec, command: process.execPath, args: [program, ...args.slice(at + 1)] },
    isDirect: true,
    why: `${name}@${installed}`,
  });
  const places = [
    ...installedAbove(resolve(cwd)),
    ...(version === undefined ? [] : cached(environment)),
  ];
  for (const place of places) {
    const directory = join(place, name);
    const manifest = readManifest(directory);
    const installed = manifest?.['version'];
    if (manifest?.['name'] !== name || typeof installed !== 'string') continue;
    // The nearest one is what a program without a version means; npx does not look further either.
    if (version !== undefined && installed !== version) continue;
    const program = programOf(directory, name, manifest);
    if (program === undefined) return left(`${name} has no single program for Node`);
    return found(program, installed);
  }
  return left(`${asked} is neither installed nor cached`);
}

function installedAbove(from: string): readonly string[] {
  const places = [join(from, 'node_modules')];
  for (let place = from; dirname(place) !== place; place = dirname(place))
    places.push(join(dirname(place), 'node_modules'));
  return places;
}

function cached(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const { npm_config_cache: cache, HOME: home = homedir() } = environment;
  const root = join(cache ?? join(home, '.npm'), '_npx');
  try {
    return readdirSync(root).map((one) => join(root, one, 'node_modules'));
  } catch {
    return [];
  }
}

function readManifest(directory: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The one program of a package, or the one of its own name, if it is a file in the package that Node runs. */
function programOf(directory: string, name: string, manifest: JsonObject): string | undefined {
  const bin = manifest['bin'];
  const own = name.replace(/^@[^/]+\//, '');
  const all = isJsonObject(bin) ? Object.values(bin) : [];
  const one =
    typeof bin === 'string'
      ? bin
      : all.length === 1
        ? all[0]
        : isJsonObject(bin)
          ? bin[own]
          : undefined;
  if (typeof one !== 'string') return undefined;
  try {
    const root = realpathSync(directory);
    const program = realpathSync(join(root, one));
    const [first = ''] = readFileSync(program, 'utf8').slice(0, 200).split('\n');
    return program.startsWith(root + sep) && /^#!.*\bnode\s*$/.test(first) ? program : undefined;
  } catch {
    return undefined;
  }
}
