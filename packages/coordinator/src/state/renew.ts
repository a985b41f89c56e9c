import type { EventBodies } from './event.js';
import type { AttemptState, RunState, TaskState } from './state.js';
import { waiting, withTask } from './update.js';

/** Another plan for the same run: every task is decided anew, what is merged is merged anew from the base. */
export function revise(state: RunState, event: EventBodies['plan.revised']): RunState {
  const { delivery: _delivery, closed: _closed, integration, ...rest } = state;
  const known = [
    ...Object.values(state.tasks),
    ...event.tasks.filter((task) => !(task.id in state.tasks)),
  ];
  return {
    ...rest,
    integration: integration && { from: integration.tip, tip: state.base },
    plan: event.plan,
    ...(event.parallel === undefined ? {} : { parallel: event.parallel }),
    expansions: {},
    merges: {},
    gateNodes: {},
    barriers: {},
    tasks: Object.fromEntries(
      known.map((task) => {
        const before = state.tasks[task.id];
        return [
          task.id,
          {
            ...waiting(task),
            ...(before?.item === undefined ? {} : { item: before.item }),
            attempts: before?.attempts ?? [],
            before: before?.attempts.length ?? 0,
            earlier: before ? answers(before, isFinished) : [],
          },
        ];
      }),
    ),
  };
}

/** An ended run goes on: these tasks are tried again, these nodes are decided again. */
export function reopen(state: RunState, event: EventBodies['run.reopened']): RunState {
  const { delivery: _delivery, closed: _closed, ...rest } = state;
  const without = <T>(record: { readonly [id: string]: T }): { [id: string]: T } =>
    Object.fromEntries(Object.entries(record).filter(([id]) => !event.nodes.includes(id)));
  const kept = (event.kept ?? []).reduce<RunState>(
    (before, id) =>
      withTask(before, id, (task) => ({ ...task, verdict: 'succeeded', reasons: [] })),
    state,
  );
  return event.tasks.reduce<RunState>(
    (before, id) =>
      withTask(before, id, (task) => {
        const {
          verdict: _verdict,
          result: _result,
          skipped: _skipped,
          stopped: _stopped,
          ...rest
        } = task;
        const renewed = {
          ...rest,
          ...(task.verdict === 'conflicted' && task.result && state.integration
            ? { onto: state.integration.tip }
            : {}),
          reasons: [],
          warnings: [],
          before: task.attempts.length,
        };
        const last = task.attempts.at(-1);
        if (last && isUndecided(last)) return { ...renewed, ...takenUp(task, last) };
        return {
          ...renewed,
          phase: 'waiting',
          earlier: answers(task, isWorthChecking),
        };
      }),
    {
      ...rest,
      tasks: kept.tasks,
      // A fan-out that failed as a whole gets its list anew.
      expansions: Object.fromEntries(
        Object.entries(state.expansions).filter(([id]) => !event.tasks.includes(id)),
      ),
      merges: mergedSoFar(state.merges, event),
      gateNodes: without(state.gateNodes),
      barriers: without(state.barriers),
    },
  );
}

/** Merges that are decided again go on from what they have: that is in the tip already. */
const mergedSoFar = (
  merges: RunState['merges'],
  { nodes, tasks }: EventBodies['run.reopened'],
): RunState['merges'] =>
  Object.fromEntries(
    Object.entries(merges).map(([id, merge]) => {
      if (!nodes.includes(id)) return [id, merge];
      const landed = Object.entries(merge.landed).filter(([task]) => !tasks.includes(task));
      return [
        id,
        { ...merge, landed: Object.fromEntries(landed), conflicted: {}, finished: false },
      ];
    }),
  );

/** What of a task's attempts still answers an equal question: each once, with every check it ever had. */
function answers(
  task: TaskState,
  holds: (attempt: AttemptState) => boolean,
): readonly AttemptState[] {
  const found = new Map<number, AttemptState>();
  for (const attempt of [...task.earlier, ...task.attempts].filter(holds)) {
    const gates = { ...found.get(attempt.attempt)?.gates, ...attempt.gates };
    found.delete(attempt.attempt);
    found.set(attempt.attempt, { ...attempt, gates });
  }
  return [...found.values()];
}

/** Its agent finished, and then the run was stopped, or something around it broke, before it was judged. */
const isUndecided = (attempt: AttemptState): boolean =>
  attempt.end?.outcome === 'completed' &&
  (attempt.verdict === 'cancelled' ||
    attempt.verdict === 'exhausted' ||
    attempt.verdict === 'error');

/** A task whose last attempt goes on behind its agent: it is saved, checked and judged, not asked again. */
function takenUp(task: TaskState, last: AttemptState): Pick<TaskState, 'phase' | 'attempts'> {
  const { verdict: _verdict, endedAt: _endedAt, ...open } = last;
  return {
    phase: 'running',
    attempts: [...task.attempts.slice(0, -1), { ...open, reasons: [], warnings: [] }],
  };
}

const isFinished = (attempt: AttemptState): boolean =>
  attempt.end !== undefined && attempt.captured !== undefined;

/**
 * It succeeded, or its agent finished and only a gate stands against it: that may have been the gate's
 * fault, and what is repaired goes on from it.
 */
const isWorthChecking = (attempt: AttemptState): boolean =>
  attempt.verdict === 'succeeded' ||
  (attempt.end?.outcome === 'completed' &&
    attempt.captured !== undefined &&
    Object.values(attempt.gates).some((check) => check.result.verdict !== 'passed'));
