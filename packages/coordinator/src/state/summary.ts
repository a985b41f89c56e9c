import type { AgentUsage } from '../seams/agent.js';
import type { RunOutcome } from './event.js';
import type { RunState } from './state.js';

/** What is said about a run in one line, and the exit code that goes with it. */
export interface Summary {
  /** Tasks of the plan; those that a revised plan has no more are counted apart. */
  readonly total: number;
  readonly succeeded: number;
  readonly skipped: number;
  /** Tasks that a revised plan has no more. */
  readonly removed: number;
  readonly failed: number;
  readonly running: number;
  readonly waiting: number;
  readonly gates: number;
  readonly merged: number;
  readonly durationMs: number;
  /** Sum of the known costs; `unknown` counts attempts whose cost nobody reported. */
  readonly usd: { readonly known: number; readonly unknown: number };
  /** Tokens of every attempt, however it ended; a lower bound where an agent was stopped. */
  readonly usage: AgentUsage;
  /** 0 ok · 1 failed · 4 budget · 5 conflict · 6 provider · 130 cancelled or interrupted. */
  readonly exitCode: number;
  readonly line: string;
}

const exitCodes: { readonly [outcome in RunOutcome]: number } = {
  succeeded: 0,
  failed: 1,
  exhausted: 4,
  conflicted: 5,
  throttled: 6,
  cancelled: 130,
};

/** `10/10 succeeded · 4 gates · $0.00 rehearsal · 21s · merged 10 · 0 processes left (pid namespace)` */
export function summarize(state: RunState): Summary {
  const all = Object.values(state.tasks);
  const tasks = all.filter((task) => task.skipped !== 'removed');
  const removed = all.length - tasks.length;
  const count = (holds: (task: (typeof tasks)[number]) => boolean): number =>
    tasks.filter(holds).length;
  const succeeded = count((task) => task.verdict === 'succeeded');
  const skipped = count((task) => task.verdict === 'skipped');
  const running = count((task) => task.phase === 'running');
  const waiting = count((task) => task.phase === 'waiting');
  const failed = tasks.length - succeeded - skipped - running - waiting;
  const gates =
    tasks.reduce(
      (sum, task) =>
        sum +
        task.attempts.reduce((checks, attempt) => checks + Object.keys(attempt.gates).length, 0),
      0,
    ) + Object.keys(state.gateNodes).length;
  const merged = new Set(Object.values(state.merges).flatMap((merge) => Object.keys(merge.landed)))
    .size;
  const durationMs =
    Math.max(0, Date.parse(state.endedAt ?? state.updatedAt) - Date.parse(state.startedAt)) || 0;
  const money = [
    state.mode === 'rehearsal' ? '$0.00 rehearsal' : `$${state.usd.known.toFixed(2)}`,
    state.mode === 'run' && state.usd.unknown > 0 ? `+ ${state.usd.unknown} unknown` : '',
  ]
    .filter(Boolean)
    .join(' ');
  const line = [
    `${succeeded}/${tasks.length} succeeded`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
    `${gates} ${gates === 1 ? 'gate' : 'gates'}`,
    money,
    formatDuration(durationMs),
    `merged ${merged}`,
    ...(state.left
      ? [
          `${state.left.count} ${state.left.count === 1 ? 'process' : 'processes'} left (${state.left.level})`,
        ]
      : []),
  ].join(' · ');
  return {
    total: tasks.length,
    succeeded,
    skipped,
    removed,
    failed,
    running,
    waiting,
    gates,
    merged,
    durationMs,
    usd: state.usd,
    usage: state.usage,
    exitCode:
      state.status === 'interrupted'
        ? 130
        : state.outcome === undefined
          ? 0
          : exitCodes[state.outcome],
    line,
  };
}

function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`;
}
