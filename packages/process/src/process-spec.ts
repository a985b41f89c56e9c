import { constants } from 'node:buffer';
import { isAbsolute } from 'node:path';
import type { Limits } from './limits.js';
import { ProcessError } from './process-error.js';
import type { RecordOptions } from './record.js';
import type { CheckedRecord } from './shim.js';

/** What to start. */
export interface ProcessSpec {
  /** Program and arguments; the program is looked up in `env.PATH`. Never given to a shell. */
  readonly argv: readonly [string, ...string[]];
  /** Absolute path of the directory it runs in. */
  readonly cwd: string;
  /** The complete environment: nothing is inherited. The owner's two markers are added. */
  readonly env: Readonly<Record<string, string>>;
  /** Default `closed`: reading gives end of file at once. */
  readonly stdin?: 'closed' | 'pipe';
  /**
   * Keeps the program from noticing that its owner was killed: a process beside it holds its streams open, and
   * kills it only after so long, in which it can write down what it knows. Without it a program sees the end of
   * its input for some milliseconds, and may act on it; an agent would take the silence for an answer. Costs one
   * more process, a shell. With a `record`, whose shim dies with its owner, it is killed at once. Default: no guard.
   */
  readonly guardMs?: number;
  /** Longest time it may run. Default: no limit. */
  readonly wallMs?: number;
  /** Longest silence on stdout and stderr together; time that a line handler takes does not count. Default: no limit. */
  readonly idleMs?: number;
  /** From TERM to KILL. Default 2000. */
  readonly graceMs?: number;
  /** How long output may still come after the leader's exit, before its leftovers are ended. Default 50. */
  readonly drainMs?: number;
  /** Kept of each stream, half from its beginning and half from its end. Default 1 MiB. */
  readonly captureBytes?: number;
  /** Whether `sha256` of all output is made: a program that says much can do without. Default true. */
  readonly digest?: boolean;
  /** A longer line ends the process with reason `output_limit`; but see `onLongStdoutLine`. Default 16 MiB. */
  readonly maxLineBytes?: number;
  /**
   * Keeps output and end in files that outlive this process: for a program whose result is worth more than
   * the milliseconds that it costs. See `readRecord`. Default: none.
   */
  readonly record?: RecordOptions;
  /**
   * What it and all that comes of it may use. One that cannot be had here rejects the start with
   * `ORCH_PROCESS_LIMIT`; see `probeLimits`. Default: no limits.
   */
  readonly limits?: Limits;
  /** Ends the process with reason `cancelled`. */
  readonly signal?: AbortSignal;
  /**
   * Each line of stdout in order, without its `\n`, the last one also when nothing follows it.
   * A returned promise is awaited before the next line, and the process feels the back-pressure; but not with a
   * `record`: there it writes to files, as fast as it can, and only `maxFileBytes` bounds it.
   */
  onStdoutLine?(line: string): void | Promise<void>;
  /**
   * With it, a line of stdout that is longer than `maxLineBytes` ends nothing, but is given in pieces as it comes, in
   * its place among the lines. `isLast`: the line is over with it.
   */
  onLongStdoutLine?(piece: Buffer, isLast: boolean): void | Promise<void>;
  /** The same as `onStdoutLine` for stderr. */
  onStderrLine?(line: string): void | Promise<void>;
}

type LineHandler = (line: string) => void | Promise<void>;

/** A spec whose defaults are filled in. */
export interface CheckedSpec extends Required<
  Pick<
    ProcessSpec,
    | 'argv'
    | 'cwd'
    | 'env'
    | 'stdin'
    | 'graceMs'
    | 'drainMs'
    | 'captureBytes'
    | 'digest'
    | 'maxLineBytes'
  >
> {
  readonly guardMs: number | undefined;
  readonly wallMs: number | undefined;
  readonly idleMs: number | undefined;
  readonly record: CheckedRecord | undefined;
  readonly limits: Limits | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onStdoutLine: LineHandler | undefined;
  readonly onLongStdoutLine: ProcessSpec['onLongStdoutLine'] | undefined;
  readonly onStderrLine: LineHandler | undefined;
}

function refuse(what: string, expected: string, received: unknown): never {
  const shown = typeof received === 'string' ? JSON.stringify(received) : String(received);
  throw new ProcessError(
    'ORCH_PROCESS_SPEC',
    `The process spec is not valid: ${what} must be ${expected}, received ${shown.slice(0, 200)}.`,
    { details: { what, expected } },
  );
}

/** Node fires a timer above 2^31-1 ms (24 days) at once. */
const longestTimer = 2 ** 31 - 1;

function checkNumber(
  what: string,
  value: number | undefined,
  least: number,
  most = longestTimer,
): void {
  if (value === undefined || (value >= least && value <= most)) return;
  refuse(what, `a number from ${least} to ${most}`, value);
}

/** How output is read, checked and with its defaults. */
export const fillIn = ({
  captureBytes = 1024 * 1024,
  digest = true,
  maxLineBytes = 16 * 1024 * 1024,
}: Pick<ProcessSpec, 'captureBytes' | 'digest' | 'maxLineBytes'>) => {
  checkNumber('captureBytes', captureBytes, 0);
  // A line is handed over as one text; of a longer one Node makes none.
  checkNumber('maxLineBytes', maxLineBytes, 1, constants.MAX_STRING_LENGTH);
  return { captureBytes, digest, maxLineBytes };
};

function checkRecord(record: RecordOptions | undefined): CheckedRecord | undefined {
  if (record === undefined) return undefined;
  const { directory, maxFileBytes = 1024 ** 3, leaseMs } = record;
  if (!isAbsolute(directory) || directory.includes('\0'))
    refuse('record.directory', 'an absolute path', directory);
  if (!(maxFileBytes >= 0)) refuse('record.maxFileBytes', 'a number of bytes', maxFileBytes);
  checkNumber('record.leaseMs', leaseMs, 200);
  return { directory, maxFileBytes, leaseMs };
}

/**
 * Checks a spec once, at the edge. Throws `ORCH_PROCESS_SPEC`. Values of the environment are never shown. `stdin`
 * counts in place of the spec's own: a copy of the spec would cost a hundredth of a start.
 */
export function checkSpec(
  spec: ProcessSpec,
  stdin: ProcessSpec['stdin'] = spec.stdin ?? 'closed',
): CheckedSpec {
  if (spec.argv[0] === '') refuse('argv[0]', 'the name or path of a program', spec.argv[0]);
  spec.argv.forEach((value, index) => {
    if (typeof value !== 'string' || value.includes('\0'))
      refuse(`argv[${index}]`, 'text without NUL', value);
  });
  if (!isAbsolute(spec.cwd) || spec.cwd.includes('\0')) refuse('cwd', 'an absolute path', spec.cwd);
  for (const name of Object.keys(spec.env)) {
    if (name === '' || name.includes('=') || name.includes('\0'))
      refuse('a name in env', 'text without "=" and NUL', name);
    const value: unknown = spec.env[name];
    if (typeof value !== 'string' || value.includes('\0'))
      refuse(`env.${name}`, 'text without NUL', typeof value);
  }
  checkNumber('wallMs', spec.wallMs, 1);
  checkNumber('idleMs', spec.idleMs, 1);
  checkNumber('guardMs', spec.guardMs, 0);
  checkNumber('graceMs', spec.graceMs, 0);
  checkNumber('drainMs', spec.drainMs, 0);
  const { memoryBytes = 4096, processes = 1, cpus = 0.01 } = spec.limits ?? {};
  if (!(memoryBytes >= 4096 && Number.isSafeInteger(memoryBytes)))
    refuse('limits.memoryBytes', 'a whole number of bytes from 4096', memoryBytes);
  if (!(processes >= 1 && Number.isSafeInteger(processes)))
    refuse('limits.processes', 'a whole number from 1', processes);
  if (!(cpus >= 0.01 && cpus < 1e6)) refuse('limits.cpus', 'a number from 0.01', cpus);
  const { captureBytes, digest, maxLineBytes } = fillIn(spec);
  // Name by name: an object that is spread and added to has a shape of its own, which costs as much again.
  return {
    argv: spec.argv,
    cwd: spec.cwd,
    env: spec.env,
    stdin,
    guardMs: spec.guardMs,
    wallMs: spec.wallMs,
    idleMs: spec.idleMs,
    graceMs: spec.graceMs ?? 2000,
    drainMs: spec.drainMs ?? 50,
    captureBytes,
    digest,
    maxLineBytes,
    record: checkRecord(spec.record),
    limits: spec.limits,
    signal: spec.signal,
    onStdoutLine: spec.onStdoutLine?.bind(spec),
    onLongStdoutLine: spec.onLongStdoutLine?.bind(spec),
    onStderrLine: spec.onStderrLine?.bind(spec),
  };
}
