import type { Event, RunState, TaskState } from '@orch/core/status';
import { duration } from './duration.js';
import { oneLine } from './neutral.js';
import type { Screen } from './screen.js';
import { shellWord } from './shell-word.js';

/** The marks in front of lines: how something ended, or that it has not. */
export const marks = { good: '✔', bad: '✖', skipped: '○', note: '·', running: '●' } as const;

/** How people know a task. */
export const labelOf = (state: RunState, task: string): string =>
  oneLine(state.tasks[task]?.label ?? task);

/** The lasting lines that an event is worth; none for most. */
export function runLines(screen: Screen, event: Event, state: RunState): readonly string[] {
  const good = screen.style('green', marks.good);
  const bad = screen.style('red', marks.bad);
  const note = screen.style('dim', marks.note);
  switch (event.type) {
    case 'task.expanded':
      return event.items.length === 0
        ? []
        : [`${note} ${event.node}: ${counted(event.items.length, 'item')}`];
    case 'task.skipped':
      return [
        `${screen.style('dim', marks.skipped)} ${labelOf(state, event.task)} ${event.cause === 'removed' ? 'removed' : 'skipped'}: ${oneLine(event.reason)}`,
      ];
    case 'task.failed':
      return [
        `${bad} ${labelOf(state, event.task)} ${screen.style('red', event.verdict)}: ${oneLine(event.reasons[0] ?? '')}`,
        ...event.reasons.slice(1, 4).map((reason) => `    ${oneLine(reason)}`),
        `    why: orch why ${shellWord(labelOf(state, event.task))}`,
      ];
    case 'attempt.ended':
      return event.verdict === 'throttled' || event.verdict === 'lost'
        ? [
            `${note} ${labelOf(state, event.task)} attempt ${event.attempt} ${event.verdict}: ${oneLine(event.reasons[0] ?? '')}`,
          ]
        : [];
    case 'attempt.started':
      return event.mode === 'repair'
        ? [
            `${note} ${labelOf(state, event.task)} goes back to its agent with the findings (attempt ${event.attempt})`,
          ]
        : [];
    case 'gate.checked': {
      const { verdict } = event.result;
      if (verdict === 'passed') return [];
      const subject = event.task === undefined ? (event.node ?? '') : labelOf(state, event.task);
      return [
        `${bad} gate ${event.gate} ${verdict === 'failed' ? 'failed' : 'could not run'} on ${subject}`,
      ];
    }
    case 'attempt.committed':
      return [
        `${good} ${labelOf(state, event.task)} ${screen.style('dim', committedFacts(event, state.tasks[event.task]))}`,
        ...event.warnings.map(
          (warning) => `    ${screen.style('yellow', 'note')}: ${oneLine(warning)}`,
        ),
      ];
    case 'merge.conflicted':
      return [
        `${bad} ${labelOf(state, event.task)} does not merge: ${event.files.map(oneLine).join(', ')}`,
      ];
    case 'merge.finished': {
      const landed = Object.keys(state.merges[event.node]?.landed ?? {}).length;
      return landed === 0 ? [] : [`${good} merged ${counted(landed, 'result')}`];
    }
    case 'barrier.failed':
      return [`${bad} ${event.node} was not passed: ${oneLine(event.reason)}`];
    case 'delivery.intended':
      return event.intent.note === undefined ? [] : [`${note} ${oneLine(event.intent.note)}`];
    case 'delivery.done':
      return [`${good} delivered to ${screen.style('bold', branchName(event.target))}`];
    case 'delivery.refused':
      return [`${bad} not delivered: ${oneLine(event.reason)}`, `    next: ${oneLine(event.next)}`];
    case 'command.expired':
      return [
        `${note} ${event.command.kind} asked by ${oneLine(event.command.by)} before this leader began: too late, not followed`,
      ];
    case 'command.received':
      return [`${note} ${event.command.kind} asked by ${oneLine(event.command.by)}`];
    default:
      return [];
  }
}

/** `1 file · unit passed · 9s · attempt 2` */
function committedFacts(
  event: Extract<Event, { type: 'attempt.committed' }>,
  task: TaskState | undefined,
): string {
  const attempt = task?.attempts.find((candidate) => candidate.attempt === event.attempt);
  if (!attempt) return '';
  const gates = Object.keys(attempt.gates);
  const files = attempt.captured?.files ?? 0;
  return [
    files > 0 ? counted(files, 'file') : '',
    gates.length > 0 ? `${gates.join(', ')} passed` : '',
    duration(Date.parse(event.at) - Date.parse(attempt.startedAt)),
    event.attempt > 1 ? `attempt ${event.attempt}` : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

export const counted = (count: number, thing: string): string =>
  `${count} ${count === 1 ? thing : `${thing}s`}`;

export const branchName = (ref: string): string => oneLine(ref.replace(/^refs\/heads\//, ''));
