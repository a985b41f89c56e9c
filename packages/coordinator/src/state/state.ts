import type { Json } from '../json.js';
import type { AgentEnd, AgentSpent, AgentUsage } from '../seams/agent.js';
import type { GateResult } from '../seams/gate.js';
import type { Owner } from '../seams/owner.js';
import type { DeliveryIntent, ForeignChange } from '../seams/workspace.js';
import type { AttemptMode, Command, Item, RunOutcome, SkipCause, StopCause } from './event.js';
import type { TaskVerdict } from './verdict.js';

/** One try of a task. Fields appear as the attempt gets further. */
export interface AttemptState {
  readonly attempt: number;
  readonly mode: AttemptMode;
  readonly key: string;
  readonly fields: { readonly [field: string]: string };
  readonly base: string;
  readonly session: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly workspace?: string;
  readonly rescued?: string;
  readonly end?: AgentEnd;
  /** What it cost, where its agent was stopped and `end` is not there. */
  readonly spent?: AgentSpent;
  readonly captured?: {
    readonly commit: string;
    readonly tree: string;
    readonly ref: string;
    readonly files: number;
    readonly outside: readonly string[];
    readonly foreign: readonly ForeignChange[];
    readonly notes: readonly string[];
  };
  readonly gates: { readonly [gate: string]: GateCheck };
  readonly verdict?: TaskVerdict | 'throttled' | 'lost';
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
}

export interface GateCheck {
  readonly key: string;
  readonly result: GateResult;
}

export interface TaskState {
  /** Instance id. */
  readonly id: string;
  readonly node: string;
  readonly label: string;
  readonly wave?: string;
  readonly item?: Item;
  readonly phase: 'waiting' | 'running' | 'ended';
  readonly attempts: readonly AttemptState[];
  /** How many of them were made before the run was last opened or its plan revised: retries count from here. */
  readonly before: number;
  readonly verdict?: TaskVerdict;
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  /** Why it is not tried, when it is `skipped`. */
  readonly skipped?: SkipCause;
  /** Why it was not tried further, when the run was stopped first. */
  readonly stopped?: StopCause;
  /** The committed result. */
  readonly result?: {
    readonly attempt: number;
    readonly commit: string;
    readonly tree: string;
    readonly output: Json;
  };
  /** Where it starts from, after its result did not merge: the tip that it conflicted with. */
  readonly onto?: string;
  /** Attempts of before the plan was revised or the run opened again; one with an equal key still answers. */
  readonly earlier: readonly AttemptState[];
}

export interface MergeState {
  readonly tip: string | null;
  readonly landed: { readonly [task: string]: string };
  readonly conflicted: { readonly [task: string]: readonly string[] };
  readonly finished: boolean;
}

/** Everything that is known about a run: a pure fold over its journal. Plain JSON. */
export interface RunState {
  readonly run: string;
  readonly name: string;
  readonly plan: string;
  readonly base: string;
  /** Branch that was checked out at the start; null for a detached HEAD. */
  readonly branch: string | null;
  readonly mode: 'run' | 'rehearsal';
  readonly version: string;
  readonly parallel: number;
  readonly status: 'running' | 'interrupted' | 'ended';
  readonly outcome?: RunOutcome;
  /** It had ended, or was cancelled, and its new leader has not opened it again so far. */
  readonly closed?: true;
  readonly left?: { readonly count: number; readonly level: string };
  /** How to go on, where no task says it. */
  readonly next?: string;
  readonly epoch: number;
  readonly owner?: Owner;
  readonly seq: number;
  readonly startedAt: string;
  readonly updatedAt: string;
  /** Time that leaders have led it, all of them together; what lies between two of them does not count. */
  readonly ledMs: number;
  readonly endedAt?: string;
  readonly tasks: { readonly [id: string]: TaskState };
  readonly expansions: { readonly [node: string]: readonly string[] };
  readonly merges: { readonly [node: string]: MergeState };
  readonly gateNodes: { readonly [node: string]: GateCheck };
  readonly barriers: {
    readonly [node: string]: {
      readonly passed: boolean;
      readonly commit: string | null;
      readonly reason?: string;
    };
  };
  readonly integration: { readonly from: string | null; readonly tip: string } | undefined;
  readonly delivery?: {
    readonly intent?: DeliveryIntent;
    readonly done?: { readonly target: string; readonly commit: string };
    readonly refused?: { readonly reason: string; readonly next: string };
  };
  /** Where each target that this run delivered to was left, or may have been left by a delivery that was not finished. */
  readonly delivered: { readonly [target: string]: readonly string[] };
  readonly cancelled?: { readonly by: string; readonly reason?: string };
  readonly commands: { readonly [id: string]: Command };
  readonly usd: {
    /** Sum over ended attempts whose cost is known. */
    readonly known: number;
    /** Ended attempts whose cost nobody reported. */
    readonly unknown: number;
  };
  /** Tokens of ended attempts; a lower bound where an agent was ended before it said how many. */
  readonly usage: AgentUsage;
}
