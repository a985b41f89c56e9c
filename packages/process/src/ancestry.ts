import { table } from './system.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** This process, or one that it descends from. */
export interface Ancestor {
  readonly pid: number;
  /** As it was started; empty where the system does not show it, as for the process of another user. */
  readonly environment: Environment;
}

/**
 * This process with the environment `own`, and everything that it descends from, the nearest first. The environment of
 * a process cannot be changed by what it starts: who was started by whom can be seen although a shell in between took
 * the variables away that say so. Ancestors are shown on Linux alone. One that has ended is not seen, nor what it
 * descended from.
 */
export function* ancestry(own: Environment = process.env): Generator<Ancestor, void> {
  yield { pid: process.pid, environment: own };
  if (process.platform !== 'linux') return;
  // No depth bounds it: shells are easily nested. A number that comes again would be a race with the end of a process.
  const seen = new Set([process.pid]);
  for (let pid = process.ppid; pid > 0 && !seen.has(pid); pid = parentOf(pid)) {
    seen.add(pid);
    yield { pid, environment: read(table.environment(pid)) };
  }
}

function parentOf(pid: number): number {
  return table.entry(pid)?.parent ?? 0;
}

const read = (text: string): Environment =>
  Object.fromEntries(
    text.split('\0').flatMap((line) => {
      const at = line.indexOf('=');
      return at <= 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
