import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { ProcessError } from './process-error.js';

/** Where system programs are; the last on NixOS. */
export const places = [
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/run/current-system/sw/bin',
];

/** These places first, so that a PATH that others wrote does not choose; then the owner's own PATH. */
const ownPlaces = [
  ...places,
  ...(process.env['PATH'] ?? '').split(delimiter).filter((place) => isAbsolute(place)),
];

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const known = new Map<string, string>();

/** Absolute path of a system program; undefined where there is none. Looked for once. */
export function findProgram(
  name: string,
  among: readonly string[] = ownPlaces,
): string | undefined {
  const before = among === ownPlaces ? known.get(name) : undefined;
  if (before !== undefined) return before;
  const found = among.map((place) => join(place, name)).find(isProgram);
  if (found !== undefined && among === ownPlaces) known.set(name, found);
  return found;
}

/** The same for what cannot be done without. Throws `ORCH_PROCESS_PLATFORM`. `purpose`: who needs it. */
export function requireProgram(
  name: string,
  purpose: string,
  among: readonly string[] = ownPlaces,
): string {
  const found = findProgram(name, among);
  if (found !== undefined) return found;
  throw new ProcessError(
    'ORCH_PROCESS_PLATFORM',
    `There is no program ${name} here, which ${purpose} needs: looked for in ${among.join(', ') || 'no place'}. Install it (coreutils or busybox have it), or put its directory into the PATH of this process.`,
    { details: { platform: process.platform, program: name } },
  );
}
