import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { LeaderSpec } from './leader.js';

/** Why a program cannot be started, as the system would say it; undefined if it can. */
export function obstacle({ argv, cwd, env }: LeaderSpec): string | undefined {
  const [program] = argv;
  const places = program.includes('/')
    ? [resolve(cwd, program)]
    : (env['PATH'] ?? '/bin:/usr/bin')
        .split(delimiter)
        .map((place) => join(resolve(cwd, place), program));
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) return 'ENOENT';
  let reason = 'ENOENT';
  for (const place of places) {
    if (statSync(place, { throwIfNoEntry: false })?.isFile() !== true) continue;
    try {
      accessSync(place, constants.X_OK);
      return undefined;
    } catch {
      reason = 'EACCES';
    }
  }
  return reason;
}

/**
 * A shell drops variables whose names it could not use itself (`npm_config_//host/:_authToken`), so they go
 * through it under other names. Their values stand in the arguments of `env` until it becomes the program,
 * and never in those of anything that stays.
 */
export function throughShell({ argv, env }: LeaderSpec): Pick<LeaderSpec, 'argv' | 'env'> {
  const entries = Object.entries(env);
  const usable = entries.filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (usable.length === entries.length) return { argv, env };
  const carried = entries
    .filter((entry) => !usable.some(([name]) => name === entry[0]))
    .map(([name, value], index) => [`ORCH_CARRIED_${index}`, `${name}=${value}`] as const);
  const names = carried.map(([name]) => name);
  const unset = names.map((name) => `-u ${name}`).join(' ');
  const set = names.map((name) => `"$${name}"`).join(' ');
  const program = `exec env ${unset} -- ${set} "$@"`;
  return {
    argv: ['/bin/sh', '-c', program, 'orch-env', ...argv],
    env: Object.fromEntries([...usable, ...carried]),
  };
}
