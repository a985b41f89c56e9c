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
  };
  /** Runs a system program and returns its stdout. */
  runProgram(program: string, args: readonly string[]): string;
}

export interface ProcessTable {
  /** Identity of this boot of this machine. Throws where the system does not tell it. */
  bootId(): string;
  entries(): Map<number, Entry>;
  /** The number that was given out last; undefined where the system does not tell it. */
  newest(): number | undefined;
  /**
   * Live entries with a number above `from` and up to `to`, which must not be less; without `skip`.
   * They are looked at in the order in which they were started, so that a child is looked at after its parent.
   */
  entriesBetween(from: number, to: number, skip: ReadonlySet<number>): Map<number, Entry>;
  entry(pid: number): Entry | undefined;
  /** `NAME=value` strings, each ended by NUL; empty where they may not be read. */
  environment(pid: number): string;
}

/**
 * Reads the process table of this machine.
 * Self-contained (no import, no outer name): its text also runs inside the reaper.
 */
export function createProcessTable(system: TableSystem): ProcessTable {
  const { fs, platform } = system;
  let boot: string | undefined;

  function parseStat(pid: number, stat: string): Entry | undefined {
    // The name stands in parentheses and may itself contain spaces and parentheses.
    const open = stat.indexOf('(');
    const close = stat.lastIndexOf(')');
    const fields = stat.slice(close + 2).split(' ');
    const startTime = fields[19];
    if (open < 0 || startTime === undefined) return undefined;
    const state = fields[0] ?? '?';
    return {
      pid,
      parent: Number(fields[1]),
      group: Number(fields[2]),
      session: Number(fields[3]),
      startTime,
      order: Number(startTime),
      name: stat.slice(open + 1, close),
      state,
      // A process whose main thread has ended but whose others run looks like a zombie.
      alive: (state !== 'Z' && state !== 'X') || Number(fields[17]) > 1,
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
      return parseStat(pid, fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return undefined; // it has ended
    }
  }

  /** Looking a number up costs a thirtieth of listing the directory, but finds threads as well. */
  function anyBetween(from: number, to: number, skip: ReadonlySet<number>): boolean {
    if (to - from > 30) return true;
    for (let pid = from + 1; pid <= to; pid += 1) {
      if (!skip.has(pid) && fs.existsSync(`/proc/${pid}`)) return true;
    }
    return false;
  }

  return {
    newest() {
      if (platform !== 'linux') return undefined;
      try {
        const pid = Number(fs.readFileSync('/proc/sys/kernel/ns_last_pid', 'utf8'));
        return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
      } catch {
        return undefined; // a kernel without CONFIG_CHECKPOINT_RESTORE
      }
    },
    entriesBetween(from, to, skip) {
      const found = new Map<number, Entry>();
      if (!anyBetween(from, to, skip)) return found;
      for (const name of fs.readdirSync('/proc')) {
        const pid = Number(name);
        if (!(pid > from && pid <= to) || skip.has(pid)) continue;
        const one = entry(pid);
        if (one !== undefined) found.set(pid, one);
      }
      return found;
    },
    bootId() {
      boot ??= (
        platform === 'linux'
          ? fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
          : system.runProgram('sysctl', ['-n', 'kern.bootsessionuuid'])
      ).trim();
      return boot;
    },
    entry,
    entries() {
      const found =
        platform === 'linux'
          ? fs
              .readdirSync('/proc')
              .filter((name) => /^\d+$/.test(name))
              .map((name) => entry(Number(name)))
          : ps(['-ax']);
      const table = new Map<number, Entry>();
      for (const one of found) if (one !== undefined) table.set(one.pid, one);
      return table;
    },
    environment(pid) {
      if (platform !== 'linux') return '';
      try {
        return fs.readFileSync(`/proc/${pid}/environ`, 'utf8');
      } catch {
        return ''; // it has ended, or belongs to another user
      }
    },
  };
}
