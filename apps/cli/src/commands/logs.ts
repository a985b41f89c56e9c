import { attemptLog, findTask, readGraph, type RunRecord, type TaskState } from '@orch/core/status';
import { exitCode } from '../exit-codes.js';
import type { Screen } from '../render/screen.js';
import { oneLine } from '../render/neutral.js';
import { sessionLines } from '../render/session-lines.js';
import { shellWord } from '../render/shell-word.js';
import { UsageError } from '../usage-error.js';
import { pickRun, pickTask } from './pick-task.js';
import { watchRun } from './watch-run.js';

export interface LogsFlags {
  readonly json?: boolean;
  readonly follow?: boolean;
  readonly run?: string;
  readonly attempt?: number;
}

/** `orch logs TASK [-f]`: what was recorded of an attempt. */
export async function logsCommand(
  screen: Screen,
  wanted: string,
  flags: LogsFlags,
): Promise<number> {
  const { root, record } = await pickRun(flags.run);
  if (flags.follow) return followTask(screen, root, record, wanted, flags);
  const task = pickTask(record, wanted);
  const attempt = flags.attempt ?? task.attempts.at(-1)?.attempt;
  if (attempt === undefined || !task.attempts.some((one) => one.attempt === attempt)) {
    throw new UsageError(noAttempt(record, task, attempt));
  }
  const show = printer(screen, flags);
  try {
    for await (const entry of attemptLog(record.layout, task.id, attempt)) show(entry);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ORCH_JSONL_NOT_FOUND') throw error;
    throw new UsageError(
      `Nothing is recorded of attempt ${attempt} of ${task.label}: its agent was never asked, or its session was removed (orch sessions clean)`,
    );
  }
  return exitCode.ok;
}

/** Only what can still come is worth waiting for. */
function noAttempt({ run, led }: RunRecord, task: TaskState, wanted: number | undefined): string {
  const label = oneLine(task.label);
  const none = `${label} has no attempt${wanted === undefined ? '' : ` ${wanted}`}`;
  if (led && task.phase !== 'ended')
    return `${none} yet. Wait for it with: orch logs ${shellWord(label)} --run ${run} -f${wanted === undefined ? '' : ` --attempt ${wanted}`}`;
  const had = task.attempts.length;
  return had > 0
    ? `${none}; it has ${had === 1 ? 'attempt 1 alone' : `attempts 1 to ${task.attempts.at(-1)?.attempt ?? had}`}`
    : `${none} in run ${run}: it was not started. See why: orch why ${shellWord(label)} --run ${run}`;
}

/**
 * Follows a task from its current attempt on until it has its verdict: also the rounds in which a
 * gate's findings are repaired. With `--attempt`, that attempt alone. Ends as well when nobody leads
 * the run any more, because then nothing can come.
 */
async function followTask(
  screen: Screen,
  root: string,
  first: RunRecord,
  wanted: string,
  flags: LogsFlags,
): Promise<number> {
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const news = watchRun(root, first.run, stop.signal);
  // A fan-out's items are not there before its list is: their names can be waited for.
  if (!(await couldCome(first, wanted))) pickTask(first, wanted);
  const begun = findTask(first.state, wanted)?.attempts.at(-1)?.attempt ?? 1;
  const logs = attemptFollower(first, begun, flags, printer(screen, flags), interrupt);
  try {
    let announced = false;
    for await (const record of news) {
      const task = findTask(record.state, wanted);
      if (task) await logs.catchUp(task);
      if (task && logs.isOver(task)) break;
      if (!record.led) {
        const how = record.state.status === 'ended' ? 'has ended' : 'was interrupted';
        screen.note(`Run ${record.run} ${how}: nothing more will come of ${wanted}.`);
        break;
      }
      if (!announced && (task?.attempts.length ?? 0) === 0) {
        screen.note(`Waiting for ${wanted} to start (Ctrl-C ends the waiting).`);
        announced = true;
      }
    }
  } finally {
    await logs.close();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
  return stop.signal.aborted ? exitCode.interrupted : exitCode.ok;
}

const couldCome = async ({ layout, state, led }: RunRecord, wanted: string): Promise<boolean> => {
  if (!led || !wanted.includes('[')) return false;
  const graph = await readGraph(layout);
  const node = graph.nodes.find(({ id }) => id === /^[^[]+/.exec(wanted)?.[0]);
  return node !== undefined && !(node.id in state.expansions);
};

/**
 * Shows attempts one after the other, each live while it runs. `onFailure` is called when no more of one can be
 * shown, long before it ends; why is thrown by `catchUp` or `close`, whichever comes next.
 */
function attemptFollower(
  { layout }: RunRecord,
  begun: number,
  { attempt: only }: LogsFlags,
  show: (entry: Entry) => void,
  onFailure: () => void,
): {
  catchUp(task: TaskState): Promise<void>;
  isOver(task: TaskState): boolean;
  close(): Promise<void>;
} {
  let current: { readonly attempt: number; end(): Promise<void> } | undefined;

  function begin(task: string, attempt: number): NonNullable<typeof current> {
    const stop = new AbortController();
    let shown = 0;
    const live = (async () => {
      for await (const entry of attemptLog(layout, task, attempt, stop.signal)) {
        shown += 1;
        show(entry);
      }
    })();
    live.catch(onFailure);
    return {
      attempt,
      end: async () => {
        stop.abort();
        await live;
        let at = 0;
        for await (const entry of attemptLog(layout, task, attempt)) if (++at > shown) show(entry);
      },
    };
  }
  async function close(): Promise<void> {
    const ending = current;
    current = undefined;
    await ending?.end().catch((error: unknown) => {
      // An attempt that was stopped before its agent was asked has no session.
      if ((error as { code?: unknown }).code !== 'ORCH_JSONL_NOT_FOUND') throw error;
    });
  }

  let done = (only ?? begun) - 1;
  return {
    async catchUp(task) {
      for (const { attempt, verdict, end } of task.attempts) {
        if (attempt <= done || (only !== undefined && attempt !== only)) continue;
        if (current?.attempt !== attempt) {
          await close();
          current = begin(task.id, attempt);
        }
        if (verdict !== undefined || end !== undefined) {
          await close();
          done = attempt;
        }
      }
    },
    isOver: (task) =>
      only === undefined ? task.phase === 'ended' : done >= only || task.phase === 'ended',
    close,
  };
}

interface Entry {
  readonly kind: string;
  readonly at: string;
  readonly data: unknown;
}

const printer =
  (screen: Screen, flags: LogsFlags) =>
  (entry: Entry): void => {
    if (flags.json) screen.json(entry);
    else for (const line of sessionLines(screen, entry)) screen.line(line);
  };
