import { summarize, type Event, type RunState } from '@orch/core/status';
import { exitCode } from '../exit-codes.js';
import { closingLines } from '../render/closing.js';
import { liveView } from '../render/live-view.js';
import { oneLine } from '../render/neutral.js';
import { plainView } from '../render/plain-view.js';
import type { RunView } from '../render/run-view.js';
import type { Screen } from '../render/screen.js';

export interface Watching {
  readonly onEvent: (event: Event, state: RunState) => void;
  readonly onProgress: (task: string, attempt: number, progress: { readonly text: string }) => void;
  readonly onProblem: (problem: string) => void;
  readonly stop: AbortSignal;
}

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * Shows a run while `work` leads it, and ends with its one line. A first Ctrl-C (or SIGTERM, SIGHUP)
 * stops cleanly and says how to go on; a second one ends at once. Agents end with us either way.
 */
export async function conduct(
  screen: Screen,
  options: { readonly json: boolean; readonly run?: string },
  work: (watching: Watching) => Promise<RunState>,
): Promise<number> {
  const stop = new AbortController();
  let { run } = options;
  let events = 0;
  const view = options.json ? silent(screen) : screen.live ? liveView(screen) : plainView(screen);
  const goOn = (): string => (run === undefined ? '' : ` Go on with: orch resume ${run}`);
  const interrupt = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted || signal === 'SIGQUIT') {
      view.close();
      screen.note(`Stopped at once.${goOn()}`);
      process.exit(exitCode.interrupted);
    }
    stop.abort();
    view.say(`Stopping: agents end, their work is kept (once more: at once).${goOn()}`);
  };
  for (const signal of stopSignals) process.on(signal, interrupt);
  let state: RunState;
  try {
    state = await work({
      onEvent: (event, now) => {
        events += 1;
        run = now.run === '' ? run : now.run;
        if (options.json) screen.json(event);
        if (event.type === 'epoch.opened' || event.type === 'run.started')
          announce(screen, view, now);
        view.event(event, now);
      },
      onProgress: (task, _attempt, progress) => view.progress(task, progress.text),
      onProblem: (problem) => {
        if (options.json) screen.json({ type: 'problem', message: problem });
        view.say(`${screen.style('yellow', 'warning')}: ${oneLine(problem)}`);
      },
      stop: stop.signal,
    });
  } finally {
    view.close();
    for (const signal of stopSignals) process.off(signal, interrupt);
  }
  const summary = summarize(state);
  if (options.json) {
    const outcome = state.outcome ?? state.status;
    screen.json({ type: 'summary', run: state.run, mode: state.mode, outcome, ...summary });
  } else {
    if (events === 0) screen.line(`Run ${state.run} has ended already: nothing was left to do.`);
    for (const line of closingLines(screen, state, summary.line)) screen.line(line);
  }
  return summary.exitCode;
}

/** The first line of a run, so that a rehearsal never passes for real work. */
function announce(screen: Screen, view: RunView, state: RunState): void {
  // A new run has its name one event later.
  if (state.run === '') return;
  const stamp = state.mode === 'rehearsal' ? `${screen.style('magenta', 'REHEARSAL')} ` : '';
  const again = state.epoch > 1 ? ' · goes on' : '';
  view.say(`${stamp}run ${screen.style('bold', state.run)} · ${state.parallel} at once${again}`);
}

/** For programs stdout has events alone; what people are told goes to stderr. */
const silent = (screen: Screen): RunView => ({
  event: () => undefined,
  progress: () => undefined,
  say: (text) => screen.note(text),
  close: () => undefined,
});
