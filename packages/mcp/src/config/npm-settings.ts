import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isJsonObject, type JsonObject } from '../json.js';

export interface NpmPlace {
  readonly name: string;
  /** The package with its version, as `npx` is given it. */
  readonly asked: string;
  readonly node: string;
  readonly home: string;
  readonly project: string;
  /** Variables of the server's own. */
  readonly own: Readonly<Record<string, string>>;
}

/** Settings of npm that only say from where and how it fetches. All others may decide what `npx` starts. */
const ofFetching =
  /^(?:\/\/.*|(?:@[^:]+:)?registry|audit|fund|save-exact|save-prefix|package-lock|engine-strict|strict-ssl|ca|cafile|proxy|https-proxy|noproxy|update-notifier|progress|loglevel|fetch-.*|prefer-offline|prefer-online|yes|nodedir|omit-lockfile-registry-resolved)$/;

/** Why it cannot be said from the package alone what `npx` starts; undefined if it can. */
export function unsureOfNpm(place: NpmPlace): string | undefined {
  const { name, asked, node, home, project, own } = place;
  const variable = Object.keys(own).find((one) => /^npm_config_(?!cache$)/i.test(one));
  if (variable !== undefined) return `${variable} may decide what npx starts`;
  const prefix = dirname(dirname(real(node)));
  for (const file of [
    join(project, '.npmrc'),
    join(home, '.npmrc'),
    join(prefix, 'etc/npmrc'),
    '/etc/npmrc',
  ]) {
    const key = keysIn(file).find((one) => !ofFetching.test(one));
    if (key !== undefined) return `${key} in ${file} may decide what npx starts`;
  }
  for (const root of new Set([prefix, '/usr/local']))
    for (const one of [join('lib/node_modules', name), join('bin', asked)])
      if (existsSync(join(root, one))) return `${one} is installed globally in ${root}`;
  // npx prefers programs of the project itself, and what lies deeper in its tree.
  const manifest = manifestIn(project);
  const { bin, directories } = manifest;
  const isOwn = typeof bin === 'string' || (isJsonObject(bin) && Object.hasOwn(bin, asked));
  if (isOwn || directories !== undefined) return `${project} may have a program ${asked} itself`;
  // Of what lies at the top, the key begins with node_modules.
  const tree = textOf(join(project, 'node_modules/.package-lock.json'));
  if (tree.includes(`/node_modules/${name}":`))
    return `${name} is installed in ${project} more than once`;
  for (let above = project; dirname(above) !== above; above = dirname(above))
    if (manifestIn(dirname(above))['workspaces'] !== undefined)
      return `${project} may be a part of the workspace in ${dirname(above)}`;
  return undefined;
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Names only: the values may be secrets. */
const keysIn = (file: string): readonly string[] =>
  textOf(file)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[#;]/.test(line))
    .map((line) => line.split('=')[0]?.trim() ?? '');

function manifestIn(directory: string): JsonObject {
  try {
    const value: unknown = JSON.parse(textOf(join(directory, 'package.json')));
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
