import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { settlesWithin } from './alarm.js';
import type { ProcessIdentity } from './identity.js';
import { markersOf } from './marker.js';
import { reaperArgv } from './reaper-program.js';
import { roundsIn } from './shell-functions.js';
import { spawnLeader } from './spawn.js';

/** The owner's side of the process that outlives it just long enough to end what it left. */
export interface Reaper {
  /** Resolves when a reaper watches. Rejects with `ORCH_PROCESS_START`. */
  ensure(): Promise<void>;
  /**
   * `patienceMs`: what ends by others (a guard, a shim with a record to finish) is left alone for so long; what
   * has none is killed at once.
   */
  started(identity: ProcessIdentity, patienceMs: number | undefined): void;
  ended(identity: ProcessIdentity): void;
  /** Ends the reaper; resolves when it is gone. */
  close(): Promise<void>;
}

export interface ReaperOptions {
  readonly marker: string;
  /** Start of the owner; nothing older is its own. See `Entry.order`. */
  readonly since: number;
  readonly graceMs: number;
  /** Directory of the cgroup of all it starts. */
  readonly cgroup: string | undefined;
}

const retryMs = 1000;
const closePatienceMs = 15_000;
/** A pipe holds some hundred short messages; this many may wait in it unread. */
const unreadLimit = 64;

interface Watched extends ProcessIdentity {
  readonly patienceMs: number | undefined;
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  readonly list: Writable;
  readonly bell: Writable;
  unread: number;
}

const word = ({ pid, startTime, patienceMs }: Watched): string =>
  `${pid}/${encodeURIComponent(startTime)}${patienceMs === undefined ? '' : `/${roundsIn(patienceMs)}`}`;

export function createReaper(options: ReaperOptions): Reaper {
  const watched = new Map<number, Watched>();
  let current: Running | undefined;
  let starting: Promise<void> | undefined;
  let closed = false;

  /** Hands over the whole list, and lets the reaper read it now, so that nothing piles up in the pipe. */
  function tellAll(running: Running): void {
    running.unread = 0;
    running.list.write(`=${[...watched.values()].map(word).join(' ')}\n.\n`);
    running.bell.write('\n');
  }

  function begin(child: ChildProcess): Running {
    const [list, , , bell] = child.stdio;
    if (!(list instanceof Socket) || !(bell instanceof Socket))
      throw new Error('The reaper has no pipes.');
    const exited = once(child, 'exit').then(() => undefined);
    const running: Running = { child, exited, list, bell, unread: 0 };
    current = running;
    child.unref();
    for (const pipe of [list, bell]) {
      pipe.on('error', () => undefined); // it died; its exit is handled below
      pipe.unref(); // the reaper must not keep its owner from ending
    }
    if (watched.size > 0) tellAll(running);
    void exited.then(() => {
      if (current === running) current = undefined;
      restart();
    });
    return running;
  }

  function restart(): void {
    if (closed || current !== undefined || watched.size === 0) return;
    ensure().catch(() => setTimeout(restart, retryMs).unref());
  }

  async function start(): Promise<void> {
    const argv = reaperArgv(options);
    const env = { PATH: '/usr/bin:/bin', ...markersOf(undefined) };
    await spawnLeader({ argv, cwd: '/', env }, ['pipe', 'ignore', 'ignore', 'pipe'], begin);
  }

  function ensure(): Promise<void> {
    if (starting === undefined && current !== undefined) return Promise.resolve();
    starting ??= start().finally(() => {
      starting = undefined;
    });
    return starting;
  }

  return {
    ensure,
    started(identity, patienceMs) {
      const { pid, startTime, bootId } = identity;
      const one: Watched = { pid, startTime, bootId, patienceMs };
      watched.set(pid, one);
      if (current === undefined) return;
      current.unread += 1;
      if (current.unread >= unreadLimit) tellAll(current);
      else current.list.write(`+${word(one)}\n`);
    },
    ended(identity) {
      watched.delete(identity.pid);
    },
    async close() {
      closed = true;
      await starting?.catch(() => undefined);
      if (current === undefined) return;
      const { child, exited, list, bell } = current;
      child.ref();
      list.end('close\n');
      bell.end();
      if (await settlesWithin(exited, closePatienceMs)) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}
