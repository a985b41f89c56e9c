import type { Json } from '../json.js';
import type { AgentEnd, AgentSpent } from '../seams/agent.js';
import type { GateResult } from '../seams/gate.js';
import type { Owner } from '../seams/owner.js';
import type { DeliveryIntent, ForeignChange } from '../seams/workspace.js';
import type { TaskVerdict } from './verdict.js';

/** What started an attempt. */
export type AttemptMode =
  | 'first'
  /** The findings of a failed gate went back to the same conversation. */
  | 'repair'
  /** An interrupted attempt goes on: same conversation, same workspace. */
  | 'continue'
  /** Anew, from the base. */
  | 'retry';

/** One item of a fan-out. */
export interface Item {
  readonly id: string;
  readonly label: string;
  readonly key: string;
  readonly value: Json;
}

/** Why nothing more is started: a limit of the run (money, time), a cancel, a task with `on_failure: stop`. */
export type StopCause = 'budget' | 'cancelled' | 'stopped';

/** Why a task is not tried. */
export type SkipCause =
  | 'dependency'
  | 'barrier'
  | 'condition'
  | 'empty'
  | StopCause
  /** A revised plan has it no more. What it did before is kept. */
  | 'removed';

/** What other processes may ask of the leader; appended to the inbox, turned into one event each. */
export type Command = { readonly kind: 'cancel'; readonly by: string; readonly reason?: string };

/** Everything a run can record, by type. Names are `noun.past`; additive changes keep `v`. */
export interface EventBodies {
  'run.started': {
    readonly run: string;
    readonly name: string;
    readonly plan: string;
    readonly base: string;
    readonly branch: string | null;
    readonly mode: 'run' | 'rehearsal';
    readonly version: string;
    readonly parallel: number;
    readonly tasks: readonly {
      readonly id: string;
      readonly label: string;
      readonly wave?: string;
    }[];
  };
  'epoch.opened': {
    readonly epoch: number;
    readonly owner: Owner;
    /** The segment before this one: what is beyond `bytes` in it is void. */
    readonly previous?: { readonly epoch: number; readonly bytes: number; readonly head: string };
  };
  'plan.revised': {
    readonly plan: string;
    /** Attempts at once from here on; absent where the revised plan says nothing new about it. */
    readonly parallel?: number;
    readonly tasks: readonly {
      readonly id: string;
      readonly label: string;
      readonly wave?: string;
    }[];
  };
  /** A resume of an ended run: these tasks are tried again, these nodes decided again. */
  'run.reopened': {
    readonly tasks: readonly string[];
    readonly nodes: readonly string[];
    /** Tasks whose result conflicted and merges now: it is merged again, not made again. */
    readonly kept?: readonly string[];
  };
  'task.expanded': { readonly node: string; readonly items: readonly Item[] };
  'task.skipped': { readonly task: string; readonly reason: string; readonly cause: SkipCause };
  'task.failed': {
    readonly task: string;
    readonly verdict: TaskVerdict;
    readonly reasons: readonly string[];
    /** The run was stopped before it could be tried further. */
    readonly cause?: StopCause;
  };
  'task.reused': { readonly task: string; readonly key: string; readonly from: number };
  'attempt.started': {
    readonly task: string;
    readonly attempt: number;
    readonly mode: AttemptMode;
    readonly key: string;
    /** Hash of each field of the key, so that a changed one can be named. */
    readonly fields: { readonly [field: string]: string };
    readonly base: string;
    readonly session: string;
  };
  'workspace.prepared': {
    readonly task: string;
    readonly attempt: number;
    readonly path: string;
    readonly rescued?: string;
  };
  'agent.ended': {
    readonly task: string;
    readonly attempt: number;
    readonly end: AgentEnd;
    /** The leader that watched it died; the end was read from the session file. */
    readonly recovered?: true;
  };
  'result.captured': {
    readonly task: string;
    readonly attempt: number;
    readonly commit: string;
    readonly tree: string;
    readonly ref: string;
    readonly files: number;
    readonly outside: readonly string[];
    readonly foreign: readonly ForeignChange[];
    readonly notes?: readonly string[];
  };
  'gate.checked': {
    /** A task and attempt, or a merge node. */
    readonly task?: string;
    readonly attempt?: number;
    readonly node?: string;
    readonly gate: string;
    readonly key: string;
    readonly result: GateResult;
    /** The same gate had answered for the same tree; nothing was run. */
    readonly reused?: true;
  };
  'attempt.committed': {
    readonly task: string;
    readonly attempt: number;
    readonly commit: string;
    readonly tree: string;
    readonly output: Json;
    readonly warnings: readonly string[];
  };
  'attempt.ended': {
    readonly task: string;
    readonly attempt: number;
    readonly verdict: TaskVerdict | 'throttled' | 'lost';
    /** The conversation it was in, where that is not the one it was to be in. */
    readonly session?: string;
    /** What it cost, where no `agent.ended` of this attempt has said so. */
    readonly spent?: AgentSpent;
    readonly reasons: readonly string[];
    readonly warnings: readonly string[];
  };
  'merge.landed': {
    readonly node: string;
    readonly task: string;
    readonly from: string | null;
    readonly tip: string;
  };
  'merge.conflicted': {
    readonly node: string;
    readonly task: string;
    readonly files: readonly string[];
  };
  'merge.finished': { readonly node: string; readonly tip: string };
  'barrier.passed': { readonly node: string; readonly commit: string | null };
  'barrier.failed': { readonly node: string; readonly reason: string };
  'delivery.intended': { readonly intent: DeliveryIntent };
  'delivery.done': { readonly target: string; readonly commit: string };
  'delivery.refused': { readonly reason: string; readonly next: string };
  'command.received': { readonly id: string; readonly command: Command };
  /** Asked before this leader began, and read by nobody: it is not followed any more. */
  'command.expired': { readonly id: string; readonly command: Command };
  /** The leader is at work; written now and then in a run with a time limit, so that a crash loses little of the count. */
  'time.passed': { readonly epoch: number };
  /** The leader stopped on purpose (Ctrl-C, SIGTERM); the run can be resumed. */
  'run.interrupted': { readonly reason: string };
  /** Ended, for now: nothing is in flight and nothing can start. */
  'run.ended': {
    readonly outcome: RunOutcome;
    readonly left: number;
    readonly level: string;
    /** How to go on, where that is not obvious from a task. */
    readonly next?: string;
  };
}

export type RunOutcome =
  'succeeded' | 'failed' | 'conflicted' | 'exhausted' | 'throttled' | 'cancelled';

export type EventType = keyof EventBodies;

/** An event before the journal gave it its place. */
export type NewEvent = { [T in EventType]: { readonly type: T } & EventBodies[T] }[EventType];

/** A line of the journal. Order is `seq`; `at` is for showing. */
export type Event = NewEvent & {
  readonly v: 1;
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
};

/** An event of a type this version does not know. It is kept and ignored. */
export interface UnknownEvent {
  readonly v: number;
  readonly seq: number;
  readonly at: string;
  readonly type: string;
}
