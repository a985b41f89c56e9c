import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where this process is in one hierarchy of cgroups. */
export interface CgroupPlace {
  readonly directory: string;
  readonly version: 1 | 2;
}

/** The path of this process in the hierarchy that a line of `/proc/self/cgroup` describes. */
function ownPath(isOurs: (controllers: string) => boolean): string | undefined {
  for (const line of readFileSync('/proc/self/cgroup', 'utf8').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers !== undefined && isOurs(controllers)) return path;
  }
  return undefined;
}

/** Directory of a path below the mount of its hierarchy. */
function mounted(path: string, isOurs: (type: string, options: string[]) => boolean) {
  for (const mount of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before = '', after = ''] = mount.split(' - ');
    const [, , , root = '/', point = ''] = before.split(' ');
    const [type = '', , options = ''] = after.split(' ');
    if (!isOurs(type, options.split(','))) continue;
    if (root === '/') return join(point, path);
    if (path === root || path.startsWith(`${root}/`)) return join(point, path.slice(root.length));
  }
  return undefined;
}

/** Directory of the cgroup (v2) that this process is in. */
export function ownCgroup(): string | undefined {
  const path = ownPath((controllers) => controllers === '');
  return path === undefined ? undefined : mounted(path, (type) => type === 'cgroup2');
}

/** The cgroup of this process that has a controller, or may give it to those below: v2, else v1. */
export function ownCgroupWith(controller: string): CgroupPlace | undefined {
  const unified = ownCgroup();
  if (unified !== undefined) {
    const controllers = readFileSync(join(unified, 'cgroup.controllers'), 'utf8').trim();
    if (controllers.split(' ').includes(controller)) return { directory: unified, version: 2 };
  }
  const path = ownPath((controllers) => controllers.split(',').includes(controller));
  const directory =
    path === undefined
      ? undefined
      : mounted(path, (type, options) => type === 'cgroup' && options.includes(controller));
  return directory === undefined ? undefined : { directory, version: 1 };
}
