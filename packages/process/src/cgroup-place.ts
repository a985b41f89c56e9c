import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { table } from './system.js';

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

/** Where the processes of a cgroup go that is to limit others below it. */
const aside = 'orch-self';

/** Directory of the cgroup (v2) that is this process's to make others in: where it is, or was until `makeRoom`. */
export function ownCgroup(): string | undefined {
  const path = ownPath((controllers) => controllers === '');
  if (path === undefined) return undefined;
  const place = mounted(path, (type) => type === 'cgroup2');
  return place !== undefined && basename(place) === aside ? dirname(place) : place;
}

const processesOf = (directory: string): number[] =>
  readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);

/** A process and those that it came from, as far as they can be seen. */
function lineage(pid: number): number[] {
  const found: number[] = [];
  for (let at = pid; at > 0; at = table.entry(at)?.parent ?? 0) found.push(at);
  return found;
}

/** Those who fork meanwhile leave others behind, which a next pass finds. */
const passes = 10;

/**
 * Empties a cgroup (v2) for cgroups below it: one that has processes of its own cannot give its controllers on.
 * This process moves into one below, with those that it came from and that came of it. Throws where others are in it.
 *
 * Source: Control Group v2, "No Internal Process Constraint", of the kernel's documentation.
 */
function makeRoom(directory: string): void {
  const ancestors = lineage(process.pid);
  const others = processesOf(directory).filter(
    (pid) => !ancestors.includes(pid) && !lineage(pid).includes(process.pid),
  );
  if (others.length > 0) {
    const [first = 0] = others;
    throw new Error(
      `${directory} is not ours alone: ${others.length} other process(es) are in it, such as ${first}`,
    );
  }
  mkdirSync(join(directory, aside), { recursive: true });
  for (let pass = 0; pass < passes; pass += 1) {
    const left = processesOf(directory);
    if (left.length === 0) return;
    for (const pid of left) {
      try {
        writeFileSync(join(directory, aside, 'cgroup.procs'), String(pid));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended
      }
    }
  }
}

/** Lets the cgroups below a cgroup (v2) have one of its controllers. Throws the system's error. */
export function giveController(directory: string, controller: string): void {
  const give = (): void =>
    writeFileSync(join(directory, 'cgroup.subtree_control'), `+${controller}`);
  try {
    give();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    makeRoom(directory);
    give();
  }
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
