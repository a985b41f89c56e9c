import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { settlesWithin } from './alarm.js';
import type { ProcessIdentity } from './identity.js';
import { markersOf } from './marker.js';
import { ProcessError } from './process-error.js';
import { reaperProgram } from './reaper-program.js';
import { spawnLeader } from './spawn.js';

/** The owner's side of the process that outlives it just long enough to end what it left. */
export interface Reaper {
  /** Resolves when a reaper runs and watches. Rejects with `ORCH_PROCESS_START`. */
  ensure(): Promise<void>;
  started(identity: ProcessIdentity): void;
  ended(identity: ProcessIdentity): void;
  /** Number of the running reaper, if any. */
  pid(): number | undefined;
  /** Ends the reaper; resolves when it is gone. */
  close(): Promise<void>;
}

export interface ReaperOptions {
  readonly marker: string;
  /** Start of the owner; nothing older is its own. See `Entry.order`. */
  readonly since: number;
  readonly graceMs: number;
}

const retryMs = 1000;
const closePatienceMs = 15_000;

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  /** Rejects with `ORCH_PROCESS_START` when it ends before it is ready. */
  readonly ready: Promise<void>;
}

function watchReaper(child: ChildProcess): Running {
  let said = '';
  const exited = once(child, 'exit').then(() => undefined);
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, 4096);
      if (said.startsWith('ready\n')) resolve();
    });
    child.once('exit', (code, signal) => {
      const message = `The reaper of this owner did not run (${signal ?? `exit code ${String(code)}`}), so nothing was started. If a bundler rewrote this package, keep it external. It said: ${said.trim()}`;
      reject(
        new ProcessError('ORCH_PROCESS_START', message, {
          details: { program: process.execPath, said },
        }),
      );
    });
  });
  return { child, exited, ready };
}

/** The reaper must not keep its owner from ending. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stderr]) if (stream instanceof Socket) stream.unref();
}

export function createReaper(options: ReaperOptions): Reaper {
  const watched = new Map<number, ProcessIdentity>();
  let current: Running | undefined;
  let starting: Promise<void> | undefined;
  let closed = false;

  function tell(line: string): void {
    current?.child.stdin?.write(line);
  }

  function begin(child: ChildProcess): Running {
    const one = watchReaper(child);
    current = one;
    child.stdin?.on('error', () => undefined); // it died; its exit is handled below
    for (const identity of watched.values()) tell(`+ ${identity.pid} ${identity.startTime}\n`);
    void one.exited.then(() => {
      if (current === one) current = undefined;
      restart();
    });
    return one;
  }

  function restart(): void {
    if (closed || current !== undefined || watched.size === 0) return;
    ensure().catch(() => setTimeout(restart, retryMs).unref());
  }

  async function start(): Promise<void> {
    const words = [options.marker, String(options.since), String(options.graceMs)];
    const running = await spawnLeader(
      [process.execPath, '-e', reaperProgram(), ...words],
      { cwd: '/', env: markersOf(undefined), stdio: ['pipe', 'ignore', 'pipe'] },
      begin,
    );
    await running.ready;
    letGo(running.child);
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
    started(identity) {
      watched.set(identity.pid, identity);
      tell(`+ ${identity.pid} ${identity.startTime}\n`);
    },
    ended(identity) {
      watched.delete(identity.pid);
      tell(`- ${identity.pid}\n`);
    },
    pid: () => current?.child.pid,
    async close() {
      closed = true;
      await starting?.catch(() => undefined);
      if (current === undefined) return;
      const { child, exited } = current;
      child.ref();
      child.stdin?.end('close\n');
      child.stderr?.resume();
      if (await settlesWithin(exited, closePatienceMs)) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}
