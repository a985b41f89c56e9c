import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A directory in which a running daemon takes orders. */
export interface DaemonPlace {
  /** Without symbolic links. */
  readonly directory: string;
  /** Permission bits. */
  readonly mode: number;
  readonly user: number;
  readonly group: number;
}

/** Where screen, at and cron take orders. Debian's at is below cron's. */
const usual = [
  '/run/screen',
  '/var/run/screen',
  '/var/spool/cron',
  '/var/spool/at',
  '/var/spool/atjobs',
];

/** Where a tmux client looks for its server: `TMUX` names the socket of the server that it runs in. */
function tmuxDirectories(env: Readonly<Record<string, string>>): string[] {
  const name = `tmux-${process.getuid?.() ?? 0}`;
  const running = dirname(env['TMUX']?.split(',')[0] ?? '');
  const others = [env['TMUX_TMPDIR'] ?? '', basename(running) === name ? dirname(running) : ''];
  const parents = ['/tmp', ...others.filter((parent) => parent.startsWith('/'))];
  for (const parent of parents) {
    try {
      // As tmux makes it: a server that begins later is to be hidden as well.
      mkdirSync(join(parent, name), { mode: 0o700 });
    } catch {
      // It is there; or we may not make it, and so no server of ours may.
    }
  }
  return parents.map((parent) => join(parent, name));
}

function placeAt(path: string): DaemonPlace | undefined {
  try {
    const directory = realpathSync(path);
    const { mode, uid, gid } = statSync(directory);
    return { directory, mode: mode & 0o7777, user: uid, group: gid };
  } catch {
    return undefined; // such a daemon is not here
  }
}

/**
 * The places where daemons that run already take orders to start something, as far as they are there: tmux (of this
 * user), screen, at and cron. Whoever cannot see them cannot let something be started outside of its tree by them.
 */
export function daemonPlaces(env: Readonly<Record<string, string>>): DaemonPlace[] {
  const places = new Map<string, DaemonPlace>();
  for (const path of [...tmuxDirectories(env), ...usual]) {
    const place = placeAt(path);
    if (place !== undefined) places.set(place.directory, place);
  }
  // What is within another one is hidden with it.
  const isWithin = (inner: string, outer: string): boolean => inner.startsWith(`${outer}/`);
  return [...places.values()].filter(
    ({ directory }) => ![...places.keys()].some((outer) => isWithin(directory, outer)),
  );
}
