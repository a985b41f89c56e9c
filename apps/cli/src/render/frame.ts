import type { RunState, TaskState } from '@orch/core/status';
import { fit } from './cells.js';
import { duration } from './duration.js';
import { counted, labelOf, marks } from './run-lines.js';
import type { Screen } from './screen.js';

/** What a frame shows of a run at one moment. */
export interface Moment {
  readonly state: RunState;
  /** The last thing each task's agent said or did, by task. */
  readonly latest: ReadonlyMap<string, string>;
  readonly now: number;
}

/**
 * The rows below the finished ones: what runs, and how the run stands. Each fits into a line, and all
 * of them into the terminal with a line to spare.
 */
export function frame(
  { style }: Pick<Screen, 'style'>,
  { state, latest, now }: Moment,
  size: { readonly columns: number; readonly rows: number },
): readonly string[] {
  if (size.rows < 2) return [];
  const tasks = Object.values(state.tasks);
  const running = tasks.filter((task) => task.phase === 'running');
  const rows = running.map((task) => {
    const started = task.attempts.at(-1)?.startedAt ?? state.updatedAt;
    const detail = [duration(now - Date.parse(started)), stage(task, latest.get(task.id))];
    return `${style('cyan', marks.running)} ${labelOf(state, task.id)} ${style('dim', detail.join(' '))}`;
  });
  rows.push(...merging(state).map((text) => `${style('cyan', marks.running)} ${text}`));
  // The footer is worth more than any one row; one line stays free for the cursor.
  const room = Math.max(0, size.rows - 2);
  const shown = rows.length <= room ? rows : rows.slice(0, Math.max(0, room - 1));
  const hidden = rows.length - shown.length;
  if (hidden > 0 && room > 0) shown.push(style('dim', `  and ${hidden} more`));
  const ended = tasks.filter((task) => task.phase === 'ended').length;
  const footer = [
    `${ended}/${tasks.length} ended`,
    `${running.length} running`,
    money(state),
    duration(now - Date.parse(state.startedAt)),
    `run ${state.run}`,
  ].join(' · ');
  return [...shown, style('dim', `  ${footer}`)].map((row) => fit(row, size.columns - 1));
}

/** Where an attempt stands; the agent's last words while it works. */
function stage(task: TaskState, latest: string | undefined): string {
  const attempt = task.attempts.at(-1);
  if (!attempt?.workspace) return 'gets its workspace';
  if (!attempt.end) return latest ?? 'works';
  return attempt.captured ? 'is checked' : 'is saved';
}

const merging = (state: RunState): readonly string[] =>
  Object.values(state.merges).flatMap((merge) => {
    const landed = Object.keys(merge.landed).length;
    return merge.finished || landed === 0 ? [] : [`merging: ${counted(landed, 'result')} so far`];
  });

/** What was spent, as far as it is known. */
const money = ({ mode, usd }: RunState): string =>
  mode === 'rehearsal'
    ? 'rehearsal'
    : `$${usd.known.toFixed(2)}${usd.unknown > 0 ? ` + ${usd.unknown} unknown` : ''}`;
