import { summarize, type RunRecord, type TaskState } from '@orch/core/status';
import { fit } from './cells.js';
import { duration } from './duration.js';
import { oneLine } from './neutral.js';
import { branchName, counted, labelOf, marks } from './run-lines.js';
import type { Screen } from './screen.js';

/** How a run stands, in a word. */
export const standingOf = ({ state, led }: RunRecord): string =>
  state.status === 'ended' ? (state.outcome ?? 'ended') : led ? 'running' : 'interrupted';

/** One run in full: a line for each task, what it came to, and how to go on. */
export function statusLines(screen: Screen, record: RunRecord): readonly string[] {
  const { state, led } = record;
  const { delivery } = state;
  const stamp = state.mode === 'rehearsal' ? `${screen.style('magenta', 'REHEARSAL')} ` : '';
  const columns = screen.size().columns;
  const lines = [
    `${stamp}${screen.style('bold', `${oneLine(state.name)} ${state.run}`)} · ${standingOf(record)}` +
      (led && state.owner ? ` · led by process ${state.owner.pid}` : ''),
    ...Object.values(state.tasks).map((task) => fit(taskLine(screen, record, task), columns)),
  ];
  for (const [node, barrier] of Object.entries(state.barriers)) {
    if (!barrier.passed)
      lines.push(
        `${screen.style('red', marks.bad)} ${node} was not passed: ${oneLine(barrier.reason ?? '')}`,
      );
  }
  lines.push(screen.style('bold', summarize(state).line));
  if (delivery?.refused)
    lines.push(
      `not delivered: ${oneLine(delivery.refused.reason)}`,
      `next: ${oneLine(delivery.refused.next)}`,
    );
  if (delivery?.done) lines.push(`delivered to ${branchName(delivery.done.target)}`);
  if (state.next !== undefined) lines.push(`next: ${oneLine(state.next)}`);
  if (!led && state.status !== 'ended')
    lines.push(`Nobody leads it. Go on with: orch resume ${state.run}`);
  return lines;
}

function taskLine(screen: Screen, { state, led }: RunRecord, task: TaskState): string {
  const phase = task.phase === 'running' && !led ? 'interrupted' : task.phase;
  // From start to end, its gates too: the same time that the live view showed.
  const spent = task.attempts.reduce(
    (sum, { startedAt, endedAt }) =>
      endedAt === undefined ? sum : sum + Date.parse(endedAt) - Date.parse(startedAt),
    0,
  );
  const detail = [
    task.skipped === 'removed' ? 'removed' : (task.verdict ?? phase),
    spent > 0 ? duration(spent) : '',
    task.attempts.length > 1 ? counted(task.attempts.length, 'attempt') : '',
    task.verdict === 'succeeded' ? '' : oneLine(task.reasons[0] ?? ''),
  ].filter(Boolean);
  return `${markOf(screen, task, phase)} ${labelOf(state, task.id)} ${screen.style('dim', detail.join(' · '))}`;
}

function markOf(screen: Screen, task: TaskState, phase: string): string {
  if (task.verdict === 'succeeded') return screen.style('green', marks.good);
  if (task.verdict === 'skipped') return screen.style('dim', marks.skipped);
  if (task.verdict !== undefined) return screen.style('red', marks.bad);
  return phase === 'running'
    ? screen.style('cyan', marks.running)
    : screen.style('dim', marks.note);
}
