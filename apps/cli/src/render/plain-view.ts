import type { RunState } from '@orch/core/status';
import { oneLine } from './neutral.js';
import { labelOf, marks, runLines } from './run-lines.js';
import type { RunView } from './run-view.js';
import type { Screen } from './screen.js';

/** Lines as they come, each with the task it belongs to: for logs and pipes. */
export function plainView(screen: Screen): RunView {
  let state: RunState | undefined;
  return {
    event: (event, now) => {
      state = now;
      if (event.type === 'attempt.started') {
        const more = event.attempt > 1 ? ` (attempt ${event.attempt}, ${event.mode})` : '';
        screen.line(
          `${screen.style('dim', marks.running)} ${labelOf(now, event.task)} started${more}`,
        );
      }
      for (const line of runLines(screen, event, now)) screen.line(line);
    },
    progress: (task, text) =>
      screen.line(`[${state ? labelOf(state, task) : oneLine(task)}] ${oneLine(text)}`),
    say: (text) => screen.line(text),
    close: () => undefined,
  };
}
