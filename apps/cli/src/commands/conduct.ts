import { summarize, type Event, type RunState } from '@orch/core/status';
import { liveView, plainView, type RunView } from '../render/run-view.js';
import type { Screen } from '../render/screen.js';

export interface Watching {
  readonly onEvent: (event: Event, state: RunState) => void;
  readonly onProgress: (task: string, attempt: number, progress: { readonly text: string }) => void;
  readonly stop: AbortSignal;
}

/**
 * Shows a run while `work` leads it, and ends with its one line. Ctrl-C: first time stops cleanly and
 * says how to go on, second time ends at once (the processes still end with us).
 */
export async function conduct(
  screen: Screen,
  options: { readonly json: boolean; readonly rehearsal: boolean },
  work: (watching: Watching) => Promise<RunState>,
): Promise<number> {
  const stop = new AbortController();
  let run = '';
  const labels = new Map<string, string>();
  const view: RunView = options.json ? silent : screen.terminal ? liveView(screen) : plainView(screen);
  const interrupt = (): void => {
    if (stop.signal.aborted) {
      view.close();
      screen.note(`Stopped at once. Go on with: orch resume ${run}`);
      process.exit(130);
    }
    stop.abort();
    const said = `Stopping: running agents end, their work is kept. Again: at once. Then go on with: orch resume ${run}`;
    if (options.json) screen.note(said);
    else view.say(said);
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  process.on('SIGHUP', interrupt);
  let state: RunState;
  try {
    state = await work({
      onEvent: (event, now) => {
        if (run === '' && !options.json && now.run !== '') {
          run = now.run;
          if (event.type === 'run.started') view.say(`${options.rehearsal ? screen.style('magenta', 'REHEARSAL ') : ''}run ${now.run} · ${now.parallel} at once`);
        }
        run = now.run;
        if (event.type === 'attempt.started') labels.set(event.task, now.tasks[event.task]?.label ?? event.task);
        if (options.json) screen.line(JSON.stringify(event));
        else view.event(event, now);
      },
      onProgress: (task, _attempt, progress) => view.progress(labels.get(task) ?? task, progress.text),
      stop: stop.signal,
    });
  } finally {
    view.close();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    process.off('SIGHUP', interrupt);
  }
  const summary = summarize(state);
  if (options.json) screen.line(JSON.stringify({ type: 'summary', run: state.run, mode: state.mode, outcome: state.outcome ?? state.status, ...summary }));
  else closing(screen, state, summary.line);
  return summary.exitCode;
}

function closing(screen: Screen, state: RunState, line: string): void {
  screen.line('');
  screen.line(`${state.mode === 'rehearsal' ? `${screen.style('magenta', 'REHEARSAL')} ` : ''}${screen.style('bold', line)}`);
  if (state.status === 'interrupted') screen.line(`Interrupted. Go on with: orch resume ${state.run}`);
  else if (state.delivery?.done) {
    const branch = state.delivery.done.target.replace(/^refs\/heads\//, '');
    screen.line(`Look at it: git log --first-parent --stat ${state.base.slice(0, 10)}..${branch}`);
  } else if (state.outcome === 'succeeded') screen.line('Nothing was changed, so nothing was delivered.');
  const worst = Object.values(state.tasks).find((task) => task.phase === 'ended' && task.verdict !== 'succeeded' && task.verdict !== 'skipped');
  if (worst) screen.line(`Next: orch why ${worst.label.includes('[') ? `'${worst.label}'` : worst.label}`);
}

const silent: RunView = { event: () => undefined, progress: () => undefined, say: () => undefined, close: () => undefined };
