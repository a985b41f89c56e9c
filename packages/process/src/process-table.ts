/** One row of the process table. */
export interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Session id; on macOS, which does not tell it, the group id. */
  readonly session: number;
  /** Exactly as the system gives it: clock ticks since boot (Linux), a date (macOS). */
  readonly startTime: string;
  /** `startTime` as a number that grows with time; only comparable on one machine and boot. */
  readonly order: number;
  readonly name: string;
  /** One letter, as `ps` shows it. */
  readonly state: string;
  /** False for a zombie: it only holds its number until its parent looks. */
  readonly alive: boolean;
}

/** What the process table needs of Node; handed in, because the reaper runs the same code. */
export interface TableSystem {
  readonly platform: string;
  readonly fs: {
    readdirSync(path: string): string[];
    readFileSync(path: string, encoding: 'utf8'): string;
    existsSync(path: string): boolean;
    writeFileSync(path: string, text: string): void;
    readlinkSync(path: string): string;
    openSync(path: string, flags: string): number;
    closeSync(file: number): void;
    readSync(file: number, into: Uint8Array, at: number, length: number, from: number): number;
  };
  /** Runs a system program and returns its stdout. */
  runProgram(program: string, args: readonly string[]): string;
}

export interface Listing {
  readonly entries: readonly Entry[];
  readonly vanished: boolean;
}

export interface ProcessTable {
  /**
   * How often something could not be read because no file could be opened. What was looked at while this number
   * grew was not seen, and nothing follows from it.
   */
  missed(): number;
  /**
   * Identity of this boot of this machine, and behind a `/` that of the PID namespace if an owner made it for
   * what it holds: numbers of processes mean something else there. Throws where the system does not tell it.
   */
  bootId(): string;
  /** True if a process that can be seen from here is in that PID namespace, or this process is itself in another. */
  mayHave(namespace: string): boolean;
  /** The number that was given out last; undefined where the system does not tell it. */
  newest(): number | undefined;
  /**
   * The entries with a number above `from`, up to `to`, and not in `skip`, in the order of their numbers.
   * `vanished`: one was listed but gone when it was read, and may have started another in between.
   */
  list(from: number, to: number, skip: (pid: number) => boolean): Listing;
  entry(pid: number): Entry | undefined;
  /** True if a process, whichever, has this number. On Linux it takes no file, so that it can always be told. */
  isInUse(pid: number): boolean;
  /** Numbers of the processes in a cgroup (its directory) and in those below it. */
  cgroupMembers(directory: string): number[];
  /** True if a process is in the cgroup or below it. */
  isPopulated(directory: string): boolean;
  /** Kills all of a cgroup at once, forks in flight included, where the system can. */
  killCgroup(directory: string): void;
  /** True if a process was started within the last tenth of a second, or a little more. */
  isNewborn(entry: Entry): boolean;
  /** `NAME=value` strings, each ended by NUL; empty where they may not be read. */
  environment(pid: number): string;
}

/**
 * Reads the process table of this machine.
 * Self-contained (no import, no outer name but Node's): its text also runs inside the reaper.
 */
export function createProcessTable(system: TableSystem): ProcessTable {
  const { fs, platform } = system;
  let boot: string | undefined;
  /** Tells the newest number when it is read; to open it each time would cost three times as much. */
  let newestFile: number | undefined;
  const digits = Buffer.alloc(16);

  const codeOf = (error: unknown): unknown =>
    error instanceof Error && 'code' in error ? error.code : undefined;

  function openNewest(): number {
    try {
      return fs.openSync('/proc/sys/kernel/ns_last_pid', 'r');
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      return fs.openSync('/dev/null', 'r'); // a kernel without CONFIG_CHECKPOINT_RESTORE
    }
  }

  const isFull = (error: unknown): boolean =>
    codeOf(error) === 'EMFILE' || codeOf(error) === 'ENFILE';

  let missed = 0;

  /** Takes the place of the kept file again at once, before other code of this process takes it. */
  function keepNewest(): void {
    try {
      newestFile ??= openNewest();
    } catch {
      // It was taken: until it is free again, some readings are missed.
    }
  }

  /**
   * Reads also when no file can be opened any more: then, for a moment, the one that is kept open makes room.
   * Whoever cannot read takes what lives for ended, so that it could not is counted.
   */
  function read<T>(reading: () => T): T {
    try {
      newestFile ??= openNewest();
      return reading();
    } catch (error) {
      if (!isFull(error)) throw error;
      try {
        if (newestFile === undefined) throw error;
        fs.closeSync(newestFile);
        newestFile = undefined;
        return reading();
      } catch (again) {
        if (isFull(again)) missed += 1;
        throw again;
      } finally {
        keepNewest();
      }
    }
  }

  /** Where `readPage` reads to. Thousands are read at each look: as texts they would be most of what is thrown away. */
  const page = Buffer.alloc(4096);

  /** Gives how many bytes there were. Closes in the same reading, so that the kept file gets its place back. */
  function readPage(path: string): number {
    return read(() => {
      const file = fs.openSync(path, 'r');
      try {
        return fs.readSync(file, page, 0, page.length, 0);
      } finally {
        fs.closeSync(file);
      }
    });
  }

  const readText = (path: string): string => read(() => fs.readFileSync(path, 'utf8'));

  /** A line of `/proc/PID/stat`: the first `length` bytes of `page`. */
  function parseStat(pid: number, length: number): Entry | undefined {
    // The name stands in parentheses and may itself contain spaces and parentheses.
    const open = page.indexOf(0x28);
    const close = page.lastIndexOf(0x29, length - 1);
    if (open < 0 || open > close) return undefined;
    let [parent, group, session, threads, order, startsAt, endsAt] = [0, 0, 0, 0, 0, 0, 0];
    let at = close + 4;
    for (let field = 1; field <= 19; field += 1) {
      const from = at;
      let value = 0;
      let byte = page[at];
      while (at < length && byte !== 0x20) {
        value = value * 10 + (byte ?? 0) - 0x30;
        at += 1;
        byte = page[at];
      }
      if (field === 1) parent = value;
      else if (field === 2) group = value;
      else if (field === 3) session = value;
      else if (field === 17) threads = value;
      else if (field === 19) [order, startsAt, endsAt] = [value, from, at];
      at += 1;
    }
    if (endsAt <= startsAt) return undefined;
    const state = String.fromCharCode(page[close + 2] ?? 0x3f);
    return {
      pid,
      parent,
      group,
      session,
      startTime: page.toString('latin1', startsAt, endsAt),
      order,
      name: page.toString('utf8', open + 1, close),
      state,
      // A process whose main thread has ended but whose others run looks like a zombie.
      alive: (state !== 'Z' && state !== 'X') || threads > 1,
    };
  }

  function parsePs(line: string): Entry | undefined {
    const row = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/.exec(
      line,
    );
    if (row === null) return undefined;
    const [, pid, parent, group, state = '?', startTime = '', name = ''] = row;
    return {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: Number(group),
      startTime,
      order: Date.parse(startTime),
      name,
      state,
      alive: !state.startsWith('Z'),
    };
  }

  function ps(selection: readonly string[]): Entry[] {
    let text: string;
    try {
      text = system.runProgram('ps', [...selection, '-o', 'pid=,ppid=,pgid=,state=,lstart=,comm=']);
    } catch {
      return []; // ps -p exits with 1 when there is no such process
    }
    return text
      .split('\n')
      .map(parsePs)
      .filter((entry) => entry !== undefined);
  }

  function entry(pid: number): Entry | undefined {
    if (platform !== 'linux') return ps(['-p', String(pid)])[0];
    try {
      return parseStat(pid, readPage(`/proc/${pid}/stat`));
    } catch {
      return undefined; // it has ended
    }
  }

  /** Looking a number up costs a thirtieth of listing the directory, but finds threads as well. */
  function existsBetween(from: number, to: number, skip: (pid: number) => boolean): boolean {
    if (to - from > 30) return true;
    for (let pid = from + 1; pid <= to; pid += 1) {
      if (!skip(pid) && fs.existsSync(`/proc/${pid}`)) return true;
    }
    return false;
  }

  function list(from: number, to: number, skip: (pid: number) => boolean): Listing {
    if (platform !== 'linux') {
      return { entries: ps(['-ax']).filter(({ pid }) => !skip(pid)), vanished: false };
    }
    if (!existsBetween(from, to, skip)) return { entries: [], vanished: false };
    let names: string[];
    try {
      names = read(() => fs.readdirSync('/proc'));
    } catch {
      return { entries: [], vanished: true }; // nothing can be said; if there was no room, `missed` tells
    }
    const listed = names.map(Number).filter((pid) => pid > from && pid <= to && !skip(pid));
    // Node lists in the order of text.
    const found = listed.sort((a, b) => a - b).map(entry);
    const entries = found.filter((one) => one !== undefined);
    return { entries, vanished: entries.length < found.length };
  }

  function cgroupMembers(directory: string): number[] {
    try {
      const own = readText(`${directory}/cgroup.procs`).split('\n');
      const below = read(() => fs.readdirSync(directory))
        .filter((name) => fs.existsSync(`${directory}/${name}/cgroup.procs`))
        .flatMap((name) => cgroupMembers(`${directory}/${name}`));
      // 0 stands for a process of another PID namespace.
      return [...own.map(Number).filter((pid) => pid > 0), ...below];
    } catch {
      return []; // it was removed, so it was empty
    }
  }

  const namespaceOf = (pid: number | 'self'): string => {
    try {
      return fs.readlinkSync(`/proc/${pid}/ns/pid`).replace(/\D/g, '');
    } catch {
      return ''; // it has ended, or belongs to another user
    }
  };

  /** The namespace that an owner made around this process, with a shell under this name as its first. */
  function madeNamespace(): string {
    if (platform !== 'linux') return '';
    try {
      const isMade = readText('/proc/1/cmdline').includes('\0orch-first\0');
      return isMade ? `/${namespaceOf('self')}` : '';
    } catch {
      return '';
    }
  }

  return {
    missed: () => missed,
    isInUse: (pid) =>
      platform === 'linux' ? fs.existsSync(`/proc/${pid}`) : entry(pid) !== undefined,
    cgroupMembers,
    isPopulated(directory) {
      try {
        return readText(`${directory}/cgroup.events`).includes('populated 1');
      } catch (error) {
        return isFull(error); // else it was removed, so it was empty
      }
    },
    killCgroup(directory) {
      try {
        read(() => fs.writeFileSync(`${directory}/cgroup.kill`, '1'));
      } catch {
        // Older than Linux 5.14, or removed: its members are killed one by one.
      }
    },
    newest() {
      if (platform !== 'linux') return undefined;
      try {
        const file = (newestFile ??= openNewest());
        const length = fs.readSync(file, digits, 0, digits.length, 0);
        const pid = Number(digits.toString('latin1', 0, length));
        return pid > 0 ? pid : undefined;
      } catch {
        return undefined;
      }
    },
    list,
    bootId() {
      boot ??=
        (platform === 'linux'
          ? readText('/proc/sys/kernel/random/boot_id')
          : system.runProgram('sysctl', ['-n', 'kern.bootsessionuuid'])
        ).trim() + madeNamespace();
      return boot;
    },
    mayHave: (namespace) =>
      madeNamespace() !== '' ||
      list(0, Infinity, () => false).entries.some(
        ({ pid, alive }) => alive && namespaceOf(pid) === namespace,
      ),
    entry,
    isNewborn(one) {
      if (platform !== 'linux') return false;
      // Both count from boot; the table in hundredths of a second.
      try {
        const upSeconds = Number(readText('/proc/uptime').split(' ')[0]);
        return upSeconds * 100 - one.order < 15;
      } catch {
        return true; // it may be
      }
    },
    environment(pid) {
      if (platform !== 'linux') return '';
      try {
        return readText(`/proc/${pid}/environ`);
      } catch {
        return ''; // it has ended, or belongs to another user
      }
    },
  };
}
