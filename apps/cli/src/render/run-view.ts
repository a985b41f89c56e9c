import type { Event, RunState, TaskState } from '@orch/core/status';
import { duration, fit, neutral, type Screen } from './screen.js';

/** What shows a run while it goes on. */
export interface RunView {
  event(event: Event, state: RunState): void;
  progress(task: string, text: string): void;
  /** A line of our own, above what is redrawn. */
  say(text: string): void;
  close(): void;
}

const marks = { good: '✔', bad: '✖', skip: '○', more: '·', run: '●' } as const;

/** The lasting lines that an event is worth; none for most. */
function lines(screen: Screen, event: Event, state: RunState): readonly string[] {
  const label = (id: string): string => state.tasks[id]?.label ?? id;
  const good = screen.style('green', marks.good);
  const bad = screen.style('red', marks.bad);
  const dim = (text: string): string => screen.style('dim', text);
  switch (event.type) {
    case 'task.expanded':
      return event.items.length > 0 ? [`${dim(marks.more)} ${event.node}: ${event.items.length} items`] : [];
    case 'task.skipped':
      return [`${dim(marks.skip)} ${label(event.task)} skipped: ${neutral(event.reason)}`];
    case 'task.failed':
      return [
        `${bad} ${label(event.task)} ${screen.style('red', event.verdict)}: ${neutral(event.reasons[0] ?? '')}`,
        ...event.reasons.slice(1, 4).map((reason) => `    ${neutral(reason)}`),
        `    why: orch why ${quoted(label(event.task))}`,
      ];
    case 'attempt.ended':
      return event.verdict === 'throttled' || event.verdict === 'lost'
        ? [`${dim(marks.more)} ${label(event.task)} attempt ${event.attempt} ${event.verdict}: ${neutral(event.reasons[0] ?? '')}`]
        : [];
    case 'attempt.started':
      return event.mode === 'repair'
        ? [`${dim(marks.more)} ${label(event.task)} goes back to its agent with the findings (attempt ${event.attempt})`]
        : [];
    case 'gate.checked':
      if (event.result.verdict === 'passed') return [];
      return [`${bad} gate ${event.gate} ${event.result.verdict === 'failed' ? 'failed' : 'could not run'} on ${event.task === undefined ? (event.node ?? '') : label(event.task)}`];
    case 'attempt.committed': {
      const task = state.tasks[event.task];
      const attempt = task?.attempts.find((candidate) => candidate.attempt === event.attempt);
      const facts = [
        attempt?.captured && attempt.captured.files > 0 ? `${attempt.captured.files} ${attempt.captured.files === 1 ? 'file' : 'files'}` : '',
        gatesOf(task),
        attempt ? duration(Date.parse(event.at) - Date.parse(attempt.startedAt)) : '',
        event.attempt > 1 ? `attempt ${event.attempt}` : '',
      ].filter(Boolean);
      return [
        `${good} ${label(event.task)} ${dim(facts.join(' · '))}`,
        ...event.warnings.map((warning) => `    ${screen.style('yellow', 'note')}: ${neutral(warning)}`),
      ];
    }
    case 'merge.conflicted':
      return [`${bad} ${label(event.task)} does not merge: ${event.files.map(neutral).join(', ')}`];
    case 'merge.finished': {
      const landed = Object.keys(state.merges[event.node]?.landed ?? {}).length;
      return landed > 0 ? [`${good} merged ${landed} ${landed === 1 ? 'result' : 'results'}`] : [];
    }
    case 'barrier.failed':
      return [`${bad} ${event.node} was not passed: ${neutral(event.reason)}`];
    case 'delivery.done':
      return [`${good} delivered to ${screen.style('bold', event.target.replace(/^refs\/heads\//, ''))}`];
    case 'delivery.refused':
      return [`${bad} not delivered: ${neutral(event.reason)}`, `    next: ${event.next}`];
    case 'command.received':
      return [`${dim(marks.more)} ${event.command.kind} asked by ${neutral(event.command.by)}`];
    default:
      return [];
  }
}

function gatesOf(task: TaskState | undefined): string {
  const names = Object.keys(task?.attempts.at(-1)?.gates ?? {});
  return names.length === 0 ? '' : `${names.join(', ')} passed`;
}

/** A label as an argument of a shell. */
export const quoted = (label: string): string => (/^[\w-]+$/.test(label) ? label : `'${label}'`);

/** Lines as they come, each with the task it belongs to: for logs and pipes. */
export function plainView(screen: Screen): RunView {
  return {
    event: (event, state) => {
      if (event.type === 'attempt.started') {
        screen.line(`${screen.style('dim', marks.run)} ${state.tasks[event.task]?.label ?? event.task} started${event.attempt > 1 ? ` (attempt ${event.attempt}, ${event.mode})` : ''}`);
      }
      for (const line of lines(screen, event, state)) screen.line(line);
    },
    progress: (label, text) => screen.line(`[${label}] ${neutral(text)}`),
    say: (text) => screen.line(text),
    close: () => undefined,
  };
}

const frameMs = 100;

/** Finished tasks once, running ones redrawn below them. */
export function liveView(screen: Screen): RunView {
  let state: RunState | undefined;
  let drawn = 0;
  const latest = new Map<string, string>();
  const since = new Map<string, number>();

  const erase = (): void => {
    if (drawn > 0) screen.raw(`\r\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = (): void => {
    if (!state) return;
    const running = Object.values(state.tasks).filter((task) => task.phase === 'running');
    const columns = screen.columns();
    const rows = running.slice(0, 20).map((task) => {
      const elapsed = duration(performance.now() - (since.get(task.id) ?? performance.now()));
      return fit(`${screen.style('cyan', marks.run)} ${task.label} ${screen.style('dim', `${elapsed} ${latest.get(task.label) ?? ''}`)}`, columns - 1);
    });
    const tasks = Object.values(state.tasks);
    const done = tasks.filter((task) => task.phase === 'ended').length;
    const money = state.mode === 'rehearsal' ? 'rehearsal' : `$${state.usd.known.toFixed(2)}`;
    rows.push(
      screen.style('dim', fit(`  ${done}/${tasks.length} ended · ${running.length} running · ${money} · ${duration(Date.now() - Date.parse(state.startedAt))} · run ${state.run}`, columns - 1)),
    );
    screen.raw(`${rows.join('\n')}\n`);
    drawn = rows.length;
  };
  const redraw = (): void => {
    erase();
    draw();
  };
  const timer = setInterval(redraw, frameMs);
  return {
    event: (event, now) => {
      state = now;
      if (event.type === 'attempt.started') since.set(event.task, performance.now());
      const lasting = lines(screen, event, now);
      if (lasting.length === 0) return;
      erase();
      for (const line of lasting) screen.line(line);
      draw();
    },
    progress: (label, text) => void latest.set(label, neutral(text)),
    say: (text) => {
      erase();
      screen.line(text);
      draw();
    },
    close: () => {
      clearInterval(timer);
      erase();
    },
  };
}
