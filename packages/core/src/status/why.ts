import type { Graph, TaskNode } from '@orch/coordinator';
import type { RunState, TaskState } from '@orch/coordinator/state';

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
export function explainTask(state: RunState, graph: Graph, task: TaskState): Explanation {
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
    verdict: task.verdict ?? task.phase,
    attempts: task.attempts.map((attempt) => ({
      attempt: attempt.attempt,
      mode: attempt.mode,
      verdict: attempt.verdict ?? 'running',
      reasons: attempt.reasons,
    })),
    reasons: task.reasons,
    warnings: task.warnings,
    denials: last?.end?.denials ?? [],
    ...(red ? { findings: { gate: red[0], excerpt: red[1].result.findings } } : {}),
    ...(last?.captured ? { ref: last.captured.ref } : {}),
    ...(last ? { session: last.session } : {}),
    next: nextStep(state, graph, task, node),
  };
}

function nextStep(
  state: RunState,
  graph: Graph,
  task: TaskState,
  node: TaskNode | undefined,
): string {
  const at = node ? `${node.at.file}:${node.at.line}` : graph.source;
  const again = `orch resume ${state.run} --plan ${graph.source}`;
  const last = task.attempts.at(-1);
  switch (task.verdict) {
    case undefined:
      return task.phase === 'running' ? `orch logs ${task.label} -f` : `orch status ${state.run}`;
    case 'succeeded':
      return last?.captured ? `git show ${last.captured.ref}` : `orch logs ${task.label}`;
    case 'denied': {
      const denial = last?.end?.denials[0];
      return denial
        ? `add ${allowRule(denial)} to \`allow:\` of ${task.node} (${at}), then: ${again}`
        : `look at \`allow:\` and \`deny:\` of ${task.node} (${at}), then: ${again}`;
    }
    case 'no_effect':
      return `orch logs ${task.label}   # what it did instead; then sharpen the prompt (${at}) and: ${again}`;
    case 'out_of_scope':
      return `widen \`writes:\` of ${task.node} (${at}) or sharpen its prompt, then: ${again}`;
    case 'gate_failed':
      return last?.captured
        ? `git diff ${last.base} ${last.captured.ref}   # then: orch resume ${state.run}`
        : `orch resume ${state.run}`;
    case 'conflicted':
      return last?.captured
        ? `git merge ${last.captured.ref}   # by hand; or add \`needs:\` between the two tasks, then: ${again}`
        : again;
    case 'tampered':
      return `git status && git reflog   # somebody changed this repository during the attempt; then: orch resume ${state.run}`;
    case 'timed_out':
    case 'stalled':
      return `raise \`${task.verdict === 'stalled' ? 'idle' : 'timeout'}:\` of ${task.node} (${at}), then: ${again}`;
    case 'exhausted':
      return `raise its budget (\`usd:\`, \`turns:\`) at ${at}, then: ${again}`;
    case 'skipped':
      return `orch status ${state.run}   # repair what it waits for, then: orch resume ${state.run}`;
    default:
      return `orch logs ${task.label}   # then: orch resume ${state.run}`;
  }
}

/** The rule that would have allowed a refused call. */
function allowRule(denial: { readonly tool: string; readonly input: string }): string {
  if (denial.tool !== 'Bash') return `"${denial.tool}"`;
  return `"Bash(${denial.input.replaceAll('"', '\\"')})"`;
}
