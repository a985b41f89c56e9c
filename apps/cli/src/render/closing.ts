import type { RunState } from '@orch/core/status';
import { wrapped } from './cells.js';
import { branchName, labelOf } from './run-lines.js';
import { oneLine } from './neutral.js';
import type { Screen } from './screen.js';
import { shellWord } from './shell-word.js';

/** How a run stands when its leader lets go of it: one line, and what to do with it. */
export function closingLines(screen: Screen, state: RunState, line: string): readonly string[] {
  const stamp = state.mode === 'rehearsal' ? `${screen.style('magenta', 'REHEARSAL')} ` : '';
  const worst = Object.values(state.tasks).find(
    (task) => task.phase === 'ended' && task.verdict !== 'succeeded' && task.verdict !== 'skipped',
  );
  return [
    '',
    ...wrapped(`${stamp}${screen.style('bold', line)}`, screen.size().columns),
    ...standing(state),
    ...(state.next === undefined ? [] : [`Next: ${oneLine(state.next)}`]),
    ...(worst && state.next === undefined
      ? [`Next: orch why ${shellWord(labelOf(state, worst.id))}`]
      : []),
  ];
}

function standing(state: RunState): readonly string[] {
  const { delivery } = state;
  if (state.status === 'interrupted')
    return [`Interrupted; nothing is lost. Go on with: orch resume ${state.run}`];
  if (state.outcome === 'cancelled')
    return [`Cancelled. If that was wrong: orch resume ${state.run}`];
  if (delivery?.done)
    return [
      `Look at it: git log --first-parent --stat ${state.base.slice(0, 10)}..${shellWord(branchName(delivery.done.target))}`,
    ];
  if (delivery?.refused) return [`Not delivered. Next: ${oneLine(delivery.refused.next)}`];
  if (state.outcome === 'succeeded') return ['Nothing was changed, so nothing was delivered.'];
  return [];
}
