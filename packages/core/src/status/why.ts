import type { Graph, TaskNode } from '@orch/coordinator';
import type { RunState, TaskState } from '@orch/coordinator/state';
import { shellWord } from '../shell-word.js';
import type { RunRecord } from './runs.js';

/** Why a task ended as it did, and the one thing to do next. */
export interface Explanation {
  readonly task: string;
  readonly label: string;
  readonly verdict: string;
  readonly attempts: readonly {
    readonly attempt: number;
    readonly mode: string;
    readonly verdict: string;
    readonly reasons: readonly string[];
  }[];
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  /** Refused tool calls of the last attempt. */
  readonly denials: readonly {
    readonly tool: string;
    readonly input: string;
    readonly reason: string;
  }[];
  /** The decisive excerpt of the last failed gate. */
  readonly findings?: { readonly gate: string; readonly excerpt: string };
  /** Where the result is kept, also a bad one. */
  readonly ref?: string;
  readonly session?: string;
  readonly next: string;
}

/** Finds the instance that a person means by `fix`, `fix[412]` or `fix-1a2b3c4d`. */
export function findTask(state: RunState, wanted: string): TaskState | undefined {
  return state.tasks[wanted] ?? Object.values(state.tasks).find((task) => task.label === wanted);
}

/** Explains one task of a run from the record alone. */
export function explainTask(record: RunRecord, graph: Graph, task: TaskState): Explanation {
  const node = graph.nodes.find(
    (candidate): candidate is TaskNode => candidate.kind === 'task' && candidate.id === task.node,
  );
  const last = task.attempts.at(-1);
  const red = Object.entries(last?.gates ?? {}).find(
    ([, check]) => check.result.verdict !== 'passed',
  );
  return {
    task: task.id,
    label: task.label,
    verdict: task.skipped === 'removed' ? 'removed' : (task.verdict ?? task.phase),
    attempts: task.attempts.map((attempt) => ({
      attempt: attempt.attempt,
      mode: attempt.mode,
      verdict: attempt.verdict ?? 'running',
      reasons: attempt.reasons,
    })),
    reasons: task.reasons,
    // Of a task that failed, its last attempt has them.
    warnings: task.warnings.length > 0 ? task.warnings : (last?.warnings ?? []),
    denials: last?.end?.denials ?? [],
    ...(red ? { findings: { gate: red[0], excerpt: red[1].result.findings } } : {}),
    ...(last?.captured ? { ref: last.captured.ref } : {}),
    ...(last ? { session: last.session } : {}),
    next: nextStep(record, graph, task, node),
  };
}

function nextStep(
  { state, led }: RunRecord,
  graph: Graph,
  task: TaskState,
  node: TaskNode | undefined,
): string {
  const at = node ? `${node.at.file}:${node.at.line}` : graph.source;
  const again = `orch resume ${state.run} --plan ${shellWord(graph.source)}`;
  const logs = `orch logs ${shellWord(task.label)} --run ${state.run}`;
  const last = task.attempts.at(-1);
  switch (task.verdict) {
    case undefined:
      if (!led) return `orch resume ${state.run}`;
      return task.phase === 'running' ? `${logs} -f` : `orch status ${state.run}`;
    case 'succeeded':
      return last?.captured ? `git show ${last.captured.ref}` : logs;
    case 'denied': {
      const rules = [...new Set((last?.end?.denials ?? []).flatMap(allowRule))].slice(0, 5);
      return rules.length > 0
        ? `add ${rules.join(', ')} to \`allow:\` of ${task.node} (${at}), then: ${again}`
        : `look at \`allow:\`, \`deny:\` and \`mcp:\` of ${task.node} (${at}), then: ${again}`;
    }
    case 'no_effect':
      return `${logs}   # what it did instead; then ${node?.agent.driver !== 'command' ? 'sharpen the prompt' : 'repair the command'} (${at}) and: ${again}`;
    case 'out_of_scope':
      if (last?.captured?.outside.some((path) => path.includes(' -> ')))
        return `git diff ${last.base} ${last.captured.ref}   # look where the link leads; to have it all the same: git merge ${last.captured.ref}; else sharpen the prompt (${at}), then: ${again}`;
      return `widen \`writes:\` of ${task.node} (${at}) or sharpen its prompt, then: ${again}`;
    case 'gate_failed':
      return last?.captured
        ? `git diff ${last.base} ${last.captured.ref}   # then: orch resume ${state.run}`
        : `orch resume ${state.run}`;
    case 'conflicted':
      if (task.result)
        return `orch resume ${state.run}   # it is merged again or, where that fails, made again from what it conflicts with${last?.captured ? `; or by hand: git merge ${last.captured.ref}` : ''}`;
      return `add \`needs:\` of the task it conflicts with to ${task.node} (${at}), then: ${again}${last?.captured ? `   # or by hand: git merge ${last.captured.ref}` : ''}`;
    case 'tampered':
      return `git status && git reflog   # somebody changed this repository during the attempt; then: orch resume ${state.run}`;
    case 'timed_out':
    case 'stalled':
      return `raise \`${task.verdict === 'stalled' ? 'idle' : 'timeout'}:\` of ${task.node} (${at}), then: ${again}`;
    case 'exhausted':
      if (task.stopped === 'budget') return state.next ?? raiseLimits(graph, again);
      return `raise its budget (\`usd:\`, \`turns:\`) at ${at}, then: ${again}`;
    case 'error':
      return `look at what its reason names, then: orch resume ${state.run}`;
    case 'skipped':
      if (task.skipped === 'budget') return state.next ?? raiseLimits(graph, again);
      if (task.skipped === 'removed')
        return last?.captured
          ? `git show ${last.captured.ref}   # what it did before`
          : `orch status ${state.run}`;
      return `orch status ${state.run}   # repair what it waits for, then: orch resume ${state.run}`;
    default:
      return `${logs}   # then: orch resume ${state.run}`;
  }
}

const raiseLimits = (graph: Graph, again: string): string =>
  `raise \`limits:\` in ${graph.source}, then: ${again}`;

/**
 * The rule that would have allowed a refused call, as its driver named it: the driver saw the whole call, the
 * record has a line of it. None, when no rule of the plan would: a rule forbids it, or a person was asked.
 */
function allowRule({ reason }: { readonly reason: string }): readonly string[] {
  const rule = /\badd ("(?:[^"\\]|\\.)*") to allow:/.exec(reason)?.[1];
  return rule === undefined ? [] : [rule];
}
