/**
 * Comparing speeds honestly on a noisy machine: contenders take turns, and only ratios of the same
 * round are compared.
 *
 * ```ts
 * await compare({
 *   suite: 'jsonl', case: 'append, 170 B', unit: 'records/cpu-s', better: 'higher',
 *   ours: () => recordsPerSecond(ourWriter),
 *   peers: [{ name: 'sonic-boom', run: () => recordsPerSecond(sonic), target: 2 }],
 *   limit: { name: 'JSON.stringify alone', run: () => recordsPerSecond(stringify), target: 0.85 },
 * });
 * ```
 *
 * Each result is a row `{suite, case, unit, better, ours, peer?, limit?, target?, ratio?, held?}`;
 * `pnpm bench` gathers the rows of every file into `bench/results.json`.
 */
import { appendFileSync } from 'node:fs';

type Run = () => number | Promise<number>;

interface Contender {
  readonly name: string;
  /** One round: does the work, checks that it was done, and returns the value in the case's unit. */
  readonly run: Run;
  /**
   * `ours` over theirs: at least this where higher is better, at most this where lower is.
   * Left out: the ratio is printed and promises nothing.
   */
  readonly target?: number;
}

export interface Comparison {
  readonly suite: string;
  /** Names the work and its size. */
  readonly case: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly ours: Run;
  /** Other people's programs that do the same work. */
  readonly peers?: readonly Contender[];
  /** What no program that does this work can pass. */
  readonly limit?: Contender;
  /** Counted rounds; default 7. One more goes before them and is thrown away. */
  readonly rounds?: number;
}

interface Row {
  readonly suite: string;
  readonly case: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly ours: number;
  readonly peer?: { readonly name: string; readonly value: number };
  readonly limit?: { readonly name: string; readonly value: number };
  readonly target?: { readonly against: 'peer' | 'limit'; readonly ratio: number };
  readonly ratio?: number;
  readonly held?: boolean;
}

/** Runs all contenders in turn, in rotating order, and prints a row for each comparison. */
export async function compare(comparison: Comparison): Promise<void> {
  const { peers = [], limit, rounds = 7 } = comparison;
  const others = [...peers, ...(limit ? [limit] : [])];
  const runs = [comparison.ours, ...others.map((other) => other.run)];
  const values = runs.map((): number[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < runs.length; turn += 1) {
      const index = (turn + round) % runs.length;
      const value = await runs[index]?.();
      if (value === undefined || !Number.isFinite(value) || value <= 0) {
        throw new Error(`${comparison.case}: contender ${index} measured ${String(value)}.`);
      }
      if (round > 0) values[index]?.push(value);
    }
  }
  const [ours = [], ...theirs] = values;
  const { suite, case: name, unit, better } = comparison;
  const head = { suite, case: name, unit, better, ours: median(ours) };
  if (others.length === 0) record(head);
  others.forEach((other, index) => {
    const their = theirs[index] ?? [];
    const ratio = median(ours.map((value, round) => value / (their[round] ?? Number.NaN)));
    const against = other === limit ? 'limit' : 'peer';
    record({
      ...head,
      [against]: { name: other.name, value: median(their) },
      ratio,
      ...(other.target !== undefined && {
        target: { against, ratio: other.target },
        held: better === 'higher' ? ratio >= other.target : ratio <= other.target,
      }),
    });
  });
}

/** A value with a bound of its own (memory, a fixed time): the bound takes the place of the limit. */
export function bound(
  measured: Pick<Row, 'suite' | 'case' | 'unit' | 'better' | 'ours'> & { readonly bound: number },
): void {
  const { bound: value, ...head } = measured;
  record({
    ...head,
    limit: { name: 'bound', value },
    target: { against: 'limit', ratio: 1 },
    ratio: head.ours / value,
    held: head.better === 'higher' ? head.ours >= value : head.ours <= value,
  });
}

/** Runs `work` and returns units per CPU second of this process, user and system together. */
export async function perCpuSecond(units: number, work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return units / ((user + system) / 1e6);
}

/** Runs `work` and returns units per second on the clock. */
export async function perSecond(units: number, work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return units / ((performance.now() - startedAt) / 1000);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function record(row: Row): void {
  const other = row.peer ?? row.limit;
  const verdict = row.held === undefined ? '      ' : row.held ? 'held  ' : 'MISSED';
  const sign = row.better === 'higher' ? '>=' : '<=';
  const ratio = row.ratio === undefined ? '' : ` · ${row.ratio.toFixed(2)} of ${other?.name ?? ''}`;
  const target = row.target ? ` (target ${sign} ${row.target.ratio})` : '';
  const numbers = `${figure(row.ours)}${other ? ` to ${figure(other.value)}` : ''} ${row.unit}`;
  console.log(`${verdict} ${row.case}${ratio}${target} · ${numbers}`);
  const file = process.env['ORCH_BENCH_ROWS'];
  if (file) appendFileSync(file, `${JSON.stringify(row)}\n`);
}

function figure(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 4 });
}
