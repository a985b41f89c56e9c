import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, Socket, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settlesWithin } from './alarm.js';
import { deferred, type Deferred } from './deferred.js';
import { helperArgv, type HelperAnswer, type HelperRequest } from './helper-program.js';
import type { Exit, Leader, LeaderSpec } from './leader.js';
import { markersOf } from './marker.js';
import { ProcessError } from './process-error.js';
import { spawnLeader, startDirectly, startError } from './spawn.js';
import { isTurnKept, spawnTurnsAwaited } from './spawn-pace.js';
import { isForWantOfRoom, tellsWantOfRoom } from './spawn-room.js';
import { ending, table } from './system.js';

/** Connections kept ready for the next starts. */
const spareConnections = 8;
const connectPatienceMs = 2000;
/** Of those nobody can say whether they were started when the helper is killed; it starts one after another anyway. */
const unansweredLimit = 8;
/** A helper that somebody stopped would keep starts and ends to itself for as long. */
const wakePeriodMs = 1000;
/** Above this, a fork of our own would stop the event loop for longer than a request takes. */
const bigBytes = 160 * 1024 * 1024;
const manyAwaited = 4;

interface Connection {
  readonly number: number;
  readonly socket: Socket;
}

interface Pending {
  readonly spec: LeaderSpec;
  readonly streams: readonly (Connection | undefined)[];
  readonly started: Deferred<Leader | ProcessError>;
  isStarted: boolean;
  readonly exited: Deferred<Exit>;
}

/** A running helper, or one that will be ready soon. */
interface Helper {
  readonly pid: number | undefined;
  isReady(): boolean;
  start(spec: LeaderSpec): Promise<Leader>;
}

function listen(path: string, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(onConnection);
    server.once('error', reject);
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** A private directory for the socket, whose path the system cuts off at about 100 bytes. */
function makePlace(): string {
  for (const place of [tmpdir(), '/tmp']) {
    const start = join(place, 'orch-spawn-');
    if (Buffer.byteLength(start) > 90) continue;
    try {
      return mkdtempSync(start);
    } catch {
      // Missing, full or read-only.
    }
  }
  throw new Error('There is no place for the socket of the spawn helper.');
}

/** The socket, and the helper that connects to it; both, or neither. */
async function open(
  path: string,
  onConnection: (socket: Socket) => void,
): Promise<{ server: Server; child: ChildProcess }> {
  const server = await listen(path, onConnection);
  try {
    const child = await spawnLeader(
      { argv: helperArgv(path), cwd: '/', env: markersOf(undefined) },
      ['pipe', 'pipe', 'ignore'],
      (started: ChildProcess) => started,
    );
    return { server, child };
  } catch (error) {
    server.close();
    throw error;
  }
}

async function createHelper(onLost: () => void): Promise<Helper> {
  const directory = makePlace();
  const path = join(directory, 's');
  const cleanUp = (): void => rmSync(directory, { recursive: true, force: true });
  const stock: Connection[] = [];
  const pending = new Map<number, Pending>();
  let arrival = deferred();
  /** Connections that are waited for, and those that are on their way. */
  let wanted = 0;
  let asked = 0;
  let count = 0;
  let lost = false;
  let unanswered = 0;
  const waiting: (() => void)[] = [];
  const outbox: HelperRequest[] = [];
  let waker: NodeJS.Timeout | undefined;

  const onConnection = (socket: Socket): void => {
    socket.unref();
    socket.on('error', () => undefined); // EPIPE is the answer `false` of write()
    const readHead = (): void => {
      const head = socket.read(16) as Buffer | null;
      if (head === null) return;
      socket.off('readable', readHead);
      asked -= 1;
      stock.push({ number: Number(head.toString()), socket });
      arrival.resolve();
      arrival = deferred();
    };
    socket.on('readable', readHead);
  };
  const { server, child } = await open(path, onConnection).catch((error: unknown) => {
    cleanUp();
    throw error;
  });
  const { stdin: requests, stdout: answers } = child;
  if (!(requests instanceof Socket) || !(answers instanceof Socket))
    throw new Error('The spawn helper has no pipes.');
  const [toHelper, fromHelper] = [requests, answers];
  toHelper.on('error', () => undefined); // it died; its exit is handled below
  child.unref();
  toHelper.unref();
  fromHelper.unref();

  /** All of a turn in one writing, in a turn of its own: the loop stands still for less. */
  function ask(...requests: readonly HelperRequest[]): void {
    if (outbox.length === 0 && requests.length > 0) setImmediate(send);
    for (const request of requests) outbox.push(request);
  }

  function send(): void {
    toHelper.write(outbox.map((request) => `${JSON.stringify(request)}\n`).join(''));
    outbox.length = 0;
  }

  /** The request for the connections that are missing, if any are. */
  function missing(): HelperRequest[] {
    const connect = wanted + spareConnections - stock.length - asked;
    if (connect <= 0) return [];
    asked += connect;
    return [{ connect }];
  }

  function take(needed: number): Connection[] | Promise<Connection[] | undefined> {
    const isThere = stock.length >= needed && wanted === 0 && !lost;
    return isThere ? stock.splice(0, needed) : waitFor(needed);
  }

  async function waitFor(needed: number): Promise<Connection[] | undefined> {
    wanted += needed;
    ask(...missing());
    const deadline = performance.now() + connectPatienceMs;
    while (stock.length < needed && !lost && performance.now() < deadline) {
      await settlesWithin(arrival.promise, deadline - performance.now());
    }
    wanted -= needed;
    return stock.length < needed || lost ? undefined : stock.splice(0, needed);
  }

  function slot(): Promise<void> | undefined {
    if (unanswered < unansweredLimit) {
      unanswered += 1;
      return undefined;
    }
    return new Promise((resolve) => waiting.push(resolve));
  }

  function freeSlot(): void {
    const next = waiting.shift();
    if (next === undefined) unanswered -= 1;
    else next();
  }

  /** The loop must turn as long as something of the helper's is awaited. */
  function hold(): void {
    if (pending.size > 0) {
      fromHelper.ref();
      waker ??= setInterval(() => child.kill('SIGCONT'), wakePeriodMs);
    } else {
      fromHelper.unref();
      clearInterval(waker);
      waker = undefined;
    }
  }

  function leaderOf(id: number, one: Pending, started: Started): Leader {
    const { pid, startTime, order } = started;
    const [stdin, stdout, stderr] = one.streams;
    if (stdout === undefined || stderr === undefined) throw new Error('A stream is missing.');
    stdin?.socket.resume(); // so that its end is seen when the process no longer reads
    return {
      identity: { pid, startTime, bootId: table.bootId() },
      order,
      stdin: stdin?.socket ?? null,
      stdout: stdout.socket,
      stderr: stderr.socket,
      exited: one.exited.promise,
      letGo: () => {
        pending.delete(id);
        hold();
      },
    };
  }

  function refuse(id: number, one: Pending, error: ProcessError): void {
    pending.delete(id);
    hold();
    for (const stream of one.streams) stream?.socket.destroy();
    one.started.resolve(error);
  }

  function hear(answer: HelperAnswer): void {
    const one = pending.get(answer.id);
    if (one === undefined) return;
    if ('started' in answer) {
      one.isStarted = true;
      const leader = leaderOf(answer.id, one, answer.started);
      // To take charge of it is work for a turn of its own.
      setImmediate(() => one.started.resolve(leader));
    } else if ('refused' in answer) {
      refuse(answer.id, one, startError(one.spec, answer.refused));
    } else {
      pending.delete(answer.id);
      hold();
      one.exited.resolve(answer.exit);
    }
  }

  let text = '';
  fromHelper.setEncoding('utf8').on('data', (chunk: string) => {
    const [first = '', ...others] = chunk.split('\n');
    text += first;
    for (const other of others) {
      hear(JSON.parse(text) as HelperAnswer);
      text = other;
    }
  });

  /** It may have been started or not; whatever was is ended, so that the answer is the same. */
  async function giveUp(id: number, one: Pending): Promise<void> {
    const { branch, cgroup } = one.spec;
    const spared = new Set([process.pid]);
    await ending.end(
      { known: new Map(), justLeft: new Set(), owner: undefined, branch, since: 0, spared, cgroup },
      0,
    );
    refuse(id, one, startError(one.spec, 'EHELPER'));
  }

  process.once('exit', cleanUp);
  // With all that it said before read.
  child.once('close', () => {
    lost = true;
    process.off('exit', cleanUp);
    cleanUp();
    onLost();
    server.close();
    for (const { socket } of stock.splice(0)) socket.destroy();
    arrival.resolve();
    for (const [id, one] of pending) {
      one.exited.resolve({ code: null, signal: null, look: { empty: 0, seen: [] }, lost: true });
      if (one.isStarted) pending.delete(id);
      else void giveUp(id, one);
    }
    hold();
  });
  async function startOver(connections: Connection[], spec: LeaderSpec): Promise<Leader> {
    const streams = spec.stdin === 'pipe' ? connections : [undefined, ...connections];
    try {
      spec.belongings?.make();
    } catch (error) {
      stock.push(...connections); // nobody has heard of them yet
      if (!tellsWantOfRoom(error)) throw error;
      throw startError(spec, (error as NodeJS.ErrnoException).code ?? '', error);
    }
    for (const stream of connections) stream.socket.ref();
    count += 1;
    const one: Pending = {
      spec,
      streams,
      started: deferred<Leader | ProcessError>(),
      exited: deferred<Exit>(),
      isStarted: false,
    };
    pending.set(count, one);
    hold();
    const [stdin = 0, stdout = 0, stderr = 0] = streams.map((stream) => stream?.number ?? 0);
    const { argv, cwd, env, branch, cgroup } = spec;
    const request = { id: count, argv, cwd, env, branch, cgroup };
    ask({ ...request, streams: [stdin, stdout, stderr] }, ...missing());
    const started = await one.started.promise;
    if (!ProcessError.isInstance(started)) return started;
    spec.belongings?.drop();
    throw started;
  }

  ask(...missing());
  return {
    pid: child.pid,
    isReady: () => count > 0 || stock.length > 0,
    async start(spec) {
      const unready = slot();
      if (unready !== undefined) await unready;
      const taken = lost ? undefined : take(spec.stdin === 'pipe' ? 3 : 2);
      const connections = taken instanceof Promise ? await taken : taken;
      if (connections === undefined) {
        freeSlot();
        return startDirectly(spec);
      }
      try {
        return await startOver(connections, spec);
      } finally {
        freeSlot();
      }
    },
  };
}

type Started = Extract<HelperAnswer, { started: unknown }>['started'];

let helper: Helper | undefined;
let coming: Promise<void> | undefined;

/** Starts a helper unless there is one. Resolves when it has started, or cannot. */
export function prepareHelper(): Promise<void> {
  if (helper !== undefined) return Promise.resolve();
  coming ??= createHelper(() => (helper = undefined))
    .then((created) => {
      helper = created;
    })
    // Without a helper everything works, only slower.
    .catch(() => undefined)
    .finally(() => {
      coming = undefined;
    });
  return coming;
}

/** The running helper, if any: its number, and whether it has answered. */
export const helperState = (): { readonly pid: number | undefined; readonly isReady: boolean } => ({
  pid: helper?.pid,
  isReady: helper?.isReady() === true,
});

const memoryPeriodMs = 100;
let memoryLookedAtMs = -Infinity;
let isBig = false;

/** To look costs a fiftieth of a start, and memory does not grow that fast. */
function wasBig(): boolean {
  const now = performance.now();
  if (now - memoryLookedAtMs < memoryPeriodMs) return isBig;
  memoryLookedAtMs = now;
  try {
    isBig = process.memoryUsage.rss() > bigBytes;
  } catch {
    // It takes a file, and none can be opened now.
  }
  return isBig;
}

/**
 * Starts a process: through the helper when this process is big or many starts wait, and else as our own
 * child. Rejects with `ORCH_PROCESS_START` or `ORCH_PROCESS_PLATFORM`.
 */
export function startLeader(spec: LeaderSpec): Promise<Leader> {
  // A helper takes room as well, so none is started while there is none.
  const isWorthwhile = !isTurnKept() && (spawnTurnsAwaited() >= manyAwaited || wasBig());
  if (isWorthwhile) void prepareHelper();
  if (helper?.isReady() !== true) return startDirectly(spec);
  return helper.start(spec).catch((error: unknown) => {
    if (ProcessError.isInstance(error) && isForWantOfRoom(String(error.details['reason'])))
      return startDirectly(spec); // there it waits for room
    throw error;
  });
}
