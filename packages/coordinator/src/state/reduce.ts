import type { AgentSpent } from '../seams/agent.js';
import type { Event, UnknownEvent } from './event.js';
import { reopen, revise } from './renew.js';
import type { RunState, TaskState } from './state.js';
import { again, waiting, withAttempt, withMerge, withTask } from './update.js';

/** The state of a run before its first event. */
export const emptyState: RunState = {
  run: '',
  name: '',
  plan: '',
  base: '',
  branch: null,
  mode: 'run',
  version: '',
  parallel: 1,
  status: 'running',
  epoch: 0,
  seq: 0,
  startedAt: '',
  updatedAt: '',
  ledMs: 0,
  tasks: {},
  expansions: {},
  merges: {},
  gateNodes: {},
  barriers: {},
  integration: undefined,
  delivered: {},
  commands: {},
  usd: { known: 0, unknown: 0 },
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
};

/**
 * The one reducer: resume, CLI, server and dashboard all fold the journal with it. Pure; an event of
 * an unknown type changes nothing but `seq` and `updatedAt`.
 */
export function reduce(state: RunState, event: Event | UnknownEvent): RunState {
  const next = apply(state, event as Event);
  const ledMs = event.type === 'epoch.opened' ? 0 : millisecondsBetween(state.updatedAt, event.at);
  return { ...next, seq: event.seq, updatedAt: event.at, ledMs: state.ledMs + ledMs };
}

function apply(state: RunState, event: Event): RunState {
  switch (event.type) {
    case 'run.started':
      return {
        ...state,
        run: event.run,
        name: event.name,
        plan: event.plan,
        base: event.base,
        branch: event.branch,
        mode: event.mode,
        version: event.version,
        parallel: event.parallel,
        startedAt: event.at,
        tasks: Object.fromEntries(event.tasks.map((task) => [task.id, waiting(task)])),
      };
    case 'epoch.opened': {
      const {
        outcome: _outcome,
        endedAt: _endedAt,
        left: _left,
        next: _next,
        cancelled: _cancelled,
        ...rest
      } = state;
      return {
        ...rest,
        status: 'running',
        epoch: event.epoch,
        owner: event.owner,
        ...(state.status === 'ended' || state.cancelled ? { closed: true } : {}),
      };
    }
    case 'plan.revised':
      return revise(state, event);
    case 'run.reopened':
      return reopen(state, event);
    case 'task.expanded': {
      // What stood for the fan-out as a whole, when it failed or was skipped before, gives way to its items.
      const { [event.node]: itself, ...others } = state.tasks;
      const tasks: { [id: string]: TaskState } =
        itself && event.items.length === 0 ? { ...state.tasks } : others;
      for (const item of event.items) {
        const before = tasks[item.id];
        tasks[item.id] = before
          ? { ...(before.skipped === 'removed' ? again(before) : before), item, label: item.label }
          : { ...waiting({ id: item.id, label: item.label }), node: event.node, item };
      }
      return {
        ...state,
        tasks,
        expansions: { ...state.expansions, [event.node]: event.items.map((item) => item.id) },
      };
    }
    case 'task.skipped':
      return withTask(state, event.task, (task) => ({
        ...task,
        phase: 'ended',
        verdict: 'skipped',
        skipped: event.cause,
        reasons: [event.reason],
      }));
    case 'task.failed':
      return withTask(state, event.task, (task) => ({
        ...task,
        phase: 'ended',
        verdict: event.verdict,
        reasons: event.reasons,
        ...(event.cause === undefined ? {} : { stopped: event.cause }),
      }));
    case 'task.reused':
      return withTask(state, event.task, (task) => {
        const from = task.earlier.find((attempt) => attempt.attempt === event.from);
        if (!from) return task;
        // It is judged again: by the gates of now.
        const { verdict: _verdict, endedAt: _endedAt, ...open } = from;
        return {
          ...task,
          phase: 'running',
          attempts: [
            ...task.attempts.filter((a) => a.attempt !== from.attempt),
            { ...open, gates: {}, reasons: [], warnings: [] },
          ],
        };
      });
    case 'attempt.started':
      return withTask(state, event.task, (task) => ({
        ...task,
        phase: 'running',
        attempts: [
          ...task.attempts,
          {
            attempt: event.attempt,
            mode: event.mode,
            key: event.key,
            fields: event.fields,
            base: event.base,
            session: event.session,
            startedAt: event.at,
            gates: {},
            reasons: [],
            warnings: [],
          },
        ],
      }));
    case 'workspace.prepared':
      return withAttempt(state, event, (attempt) => ({
        ...attempt,
        workspace: event.path,
        ...(event.rescued === undefined ? {} : { rescued: event.rescued }),
      }));
    case 'agent.ended':
      return withAttempt(withSpent(state, event.end), event, (attempt) => ({
        ...attempt,
        end: event.end,
        session: event.end.session,
      }));
    case 'result.captured': {
      const { commit, tree, ref, files, outside, foreign, notes = [] } = event;
      return withAttempt(state, event, (attempt) => ({
        ...attempt,
        captured: { commit, tree, ref, files, outside, foreign, notes },
      }));
    }
    case 'gate.checked': {
      const check = { key: event.key, result: event.result };
      if (event.task !== undefined && event.attempt !== undefined) {
        return withAttempt(state, { task: event.task, attempt: event.attempt }, (attempt) => ({
          ...attempt,
          gates: { ...attempt.gates, [event.gate]: check },
        }));
      }
      return event.node === undefined
        ? state
        : { ...state, gateNodes: { ...state.gateNodes, [event.node]: check } };
    }
    case 'attempt.committed':
      return withTask(state, event.task, (task) => ({
        ...task,
        phase: 'ended',
        verdict: 'succeeded',
        reasons: [],
        warnings: event.warnings,
        result: {
          attempt: event.attempt,
          commit: event.commit,
          tree: event.tree,
          output: event.output,
        },
        attempts: task.attempts.map((attempt) =>
          attempt.attempt === event.attempt
            ? { ...attempt, verdict: 'succeeded', warnings: event.warnings, endedAt: event.at }
            : attempt,
        ),
      }));
    case 'attempt.ended':
      return withAttempt(withSpent(state, event.spent), event, (attempt) => ({
        ...attempt,
        ...(event.session === undefined ? {} : { session: event.session }),
        ...(event.spent === undefined ? {} : { spent: event.spent }),
        verdict: event.verdict,
        reasons: event.reasons,
        warnings: event.warnings,
        endedAt: event.at,
      }));
    case 'merge.landed':
      return {
        ...withMerge(state, event.node, (merge) => ({
          ...merge,
          tip: event.tip,
          landed: { ...merge.landed, [event.task]: event.tip },
        })),
        integration: { from: event.from, tip: event.tip },
      };
    case 'merge.conflicted':
      return withTask(
        withMerge(state, event.node, (merge) => ({
          ...merge,
          conflicted: { ...merge.conflicted, [event.task]: event.files },
        })),
        event.task,
        (task) => ({
          ...task,
          verdict: 'conflicted',
          reasons: [`its changes do not merge: ${event.files.join(', ')}`],
        }),
      );
    case 'merge.finished':
      return withMerge(state, event.node, (merge) => ({
        ...merge,
        tip: event.tip,
        finished: true,
      }));
    case 'barrier.passed':
      return {
        ...state,
        barriers: { ...state.barriers, [event.node]: { passed: true, commit: event.commit } },
      };
    case 'barrier.failed':
      return {
        ...state,
        barriers: {
          ...state.barriers,
          [event.node]: { passed: false, commit: null, reason: event.reason },
        },
      };
    case 'delivery.intended':
      return {
        ...state,
        delivered: withDelivered(state, event.intent.target, event.intent.to),
        delivery: { intent: event.intent },
      };
    case 'delivery.done':
      return {
        ...state,
        delivered: { ...state.delivered, [event.target]: [event.commit] },
        delivery: { ...state.delivery, done: { target: event.target, commit: event.commit } },
      };
    case 'delivery.refused':
      return {
        ...state,
        delivery: { ...state.delivery, refused: { reason: event.reason, next: event.next } },
      };
    case 'command.received':
      return {
        ...state,
        commands: { ...state.commands, [event.id]: event.command },
        // The only command of this version; a later kind is kept in `commands` and ignored here.
        ...((event.command.kind as string) === 'cancel'
          ? {
              cancelled: {
                by: event.command.by,
                ...(event.command.reason === undefined ? {} : { reason: event.command.reason }),
              },
            }
          : {}),
      };
    case 'command.expired':
      return { ...state, commands: { ...state.commands, [event.id]: event.command } };
    case 'run.interrupted':
      return { ...state, status: 'interrupted' };
    case 'run.ended':
      return {
        ...state,
        status: 'ended',
        outcome: event.outcome,
        left: { count: event.left, level: event.level },
        ...(event.next === undefined ? {} : { next: event.next }),
        endedAt: event.at,
      };
    default:
      return state;
  }
}

const millisecondsBetween = (earlier: string, later: string): number =>
  Math.max(0, Date.parse(later) - Date.parse(earlier)) || 0;

function withSpent(state: RunState, spent: AgentSpent | undefined): RunState {
  if (spent === undefined) return state;
  const { usd, usage } = spent;
  return {
    ...state,
    usd:
      usd === null
        ? { ...state.usd, unknown: state.usd.unknown + 1 }
        : { ...state.usd, known: state.usd.known + usd },
    usage: {
      inputTokens: state.usage.inputTokens + usage.inputTokens,
      outputTokens: state.usage.outputTokens + usage.outputTokens,
      cacheReadTokens: state.usage.cacheReadTokens + usage.cacheReadTokens,
      cacheWriteTokens: state.usage.cacheWriteTokens + usage.cacheWriteTokens,
    },
  };
}

/** A crash may hide whether the target was moved: until `delivery.done` says so, both values are ours. */
const withDelivered = (state: RunState, target: string, commit: string): RunState['delivered'] => ({
  ...state.delivered,
  [target]: [...new Set([...(state.delivered[target] ?? []), commit])],
});
