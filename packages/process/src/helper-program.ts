import { programText, type Modules, type Parts } from './program-text.js';
import type { LookAtExit } from './tree.js';

/** Asks for new connections, or for the start of a process over connections that stand. */
export type HelperRequest =
  | { readonly connect: number }
  | {
      readonly id: number;
      readonly argv: readonly [string, ...string[]];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
      /** Numbers of the connections for stdin (0: closed), stdout and stderr. */
      readonly streams: readonly [number, number, number];
      readonly branch: string;
      readonly cgroup: string | undefined;
    };

/** What became of a request. */
export type HelperAnswer =
  | {
      readonly id: number;
      readonly started: {
        readonly pid: number;
        readonly startTime: string;
        readonly order: number;
      };
    }
  | { readonly id: number; readonly refused: string }
  | {
      readonly id: number;
      readonly exit: {
        readonly code: number | null;
        readonly signal: string | null;
        readonly look: LookAtExit;
      };
    };

/**
 * The spawn helper: starts processes on request, so that a big owner neither stops its loop nor copies its
 * page tables. Requests come as lines on stdin, answers go as lines to stdout; a child's streams are
 * connections to the owner's socket. Ends when the owner's end of stdin closes.
 */
function help({ fs, childProcess, net }: Modules, parts: Parts, check: boolean): void {
  const table = parts.createProcessTable({
    platform: process.platform,
    fs,
    runProgram: (program, args) =>
      childProcess.execFileSync(program, args, {
        encoding: 'utf8',
        env: { PATH: '/bin:/usr/bin:/sbin:/usr/sbin', LC_ALL: 'C' },
      }),
  });
  const finder = parts.createTreeFinder(table);
  const leaders = new Set<number>();
  const connections = new Map<number, import('node:net').Socket>();
  const taken = new Set<number>();
  const queue: HelperRequest[] = [];
  let count = 0;
  let text = '';
  let turning = false;

  function answer(value: HelperAnswer): void {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  function connect(path: string): void {
    count += 1;
    const number = count;
    const socket = net.connect({ path });
    socket.on('error', () => undefined);
    // Before it is used, an owner that can open no more files closes it: it is asked again until it can.
    socket.on('close', () => {
      if (taken.delete(number)) return;
      connections.delete(number);
      setTimeout(connect, 50, path);
    });
    socket.once('connect', () => {
      connections.set(number, socket);
      socket.write(`${String(number).padStart(15)}\n`);
    });
  }

  function start(request: Exclude<HelperRequest, { connect: number }>): void {
    const { id, argv, branch, cgroup } = request;
    const [stdin, stdout, stderr] = request.streams.map((number) => connections.get(number));
    for (const number of request.streams) {
      if (connections.delete(number)) taken.add(number);
    }
    const used = [stdin, stdout, stderr].filter((socket) => socket !== undefined);
    const isWhole = stdout !== undefined && stderr !== undefined;
    try {
      if (!isWhole || (request.streams[0] !== 0 && stdin === undefined)) {
        answer({ id, refused: 'EPIPE' });
        return;
      }
      const startedMs = performance.now();
      const [program, ...args] = argv;
      const child = childProcess.spawn(program, args, {
        cwd: request.cwd,
        env: request.env,
        detached: true,
        stdio: [stdin ?? 'ignore', stdout, stderr],
      });
      const { pid } = child;
      child.on('error', (error: NodeJS.ErrnoException) => {
        if (pid === undefined) answer({ id, refused: error.code ?? 'unknown' });
      });
      if (pid === undefined) return;
      const entry = table.entry(pid);
      if (entry === undefined) {
        child.kill('SIGKILL');
        answer({ id, refused: 'unseen' });
        return;
      }
      leaders.add(pid);
      const { startTime, order } = entry;
      answer({ id, started: { pid, startTime, order } });
      child.once('exit', (code, signal) => {
        leaders.delete(pid);
        const ageMs = performance.now() - startedMs;
        const look = finder.lookAtExit({ pid, startTime, order, ageMs, branch, cgroup }, leaders);
        if (look instanceof Promise)
          void look.then((late) => answer({ id, exit: { code, signal, look: late } }));
        else answer({ id, exit: { code, signal, look } });
      });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      answer({ id, refused: code });
    } finally {
      // The child has its own; closed here, so that their end is the child's.
      for (const socket of used) socket.destroy();
    }
  }

  /** One start a turn, so that exits are seen between them. */
  function turn(path: string): void {
    const request = queue.shift();
    turning = queue.length > 0;
    if (turning) setImmediate(turn, path);
    if (request === undefined) return;
    if (!('connect' in request)) start(request);
    else for (let made = 0; made < request.connect; made += 1) connect(path);
  }

  if (check) return;
  const [path = '', marker = ''] = process.argv.slice(1);
  process.title = `orch-helper ${marker}`;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])
    process.on(signal, () => undefined);

  function end(): void {
    // The owner removes it too, unless it was killed.
    try {
      fs.rmSync(path, { force: true });
      fs.rmdirSync(path.slice(0, path.lastIndexOf('/')));
    } catch {
      // It did.
    }
    process.exit();
  }
  process.stdout.on('error', end);
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk: string) => {
    // Looked for in what came alone: of a long line many chunks come.
    const [first = '', ...others] = chunk.split('\n');
    text += first;
    for (const other of others) {
      queue.push(JSON.parse(text) as HelperRequest);
      text = other;
    }
    if (turning || queue.length === 0) return;
    turning = true;
    turn(path);
  });
  process.stdin.on('close', end);
}

/** Argv of a helper that connects to the socket at `path`. */
export function helperArgv(path: string): readonly [string, ...string[]] {
  const name = String(process.pid);
  return [process.execPath, '-e', programText('spawn helper', help), path, name];
}
