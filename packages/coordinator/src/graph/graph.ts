import type { Json, JsonObject } from '../json.js';
import type { Condition, Template } from './reference.js';

/** A position in a plan file or in a prompt file it names. Lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** An MCP server that an agent is handed, by its configured name. */
export interface ServerUse {
  readonly server: string;
  /** Names of tools as the server gives them, `*` for any characters. Without it all, and its resources and prompts. */
  readonly allow?: readonly string[];
  /** Beats `allow`. */
  readonly deny?: readonly string[];
}

/** Which agent works, and how. Everything here is part of the work key. */
export interface AgentSettings {
  /** `claude` or `command`. */
  readonly driver: 'claude' | 'command';
  readonly model?: string;
  readonly effort?: string;
  readonly tools?: readonly string[];
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  /** By name, each once; absent for none. */
  readonly mcp?: readonly ServerUse[];
  readonly system?: string;
  readonly turns?: number;
  readonly usd?: number;
  /** What of the repository's own agent configuration the agent sees. */
  readonly project: 'memory' | 'trusted' | 'none';
  /** Only for `command`. */
  readonly command?: CommandSpec;
}

/** A command: an argv, or a shell line that was written as `sh:`. Never a split string at this point. */
export interface CommandSpec {
  /** Literals, or whole elements that are one reference to `inputs`, `matrix`, `run` or the item. */
  readonly argv: readonly Template[];
  readonly shell: boolean;
  /** `zero`: another exit code fails the attempt. `any`: the exit code is data. */
  readonly expect: 'zero' | 'any';
}

/** What a task hands on. */
export type OutputSpec =
  | { readonly kind: 'schema'; readonly schema: JsonObject; readonly from: 'agent' | 'stdout' }
  | { readonly kind: 'lines' };

/** A check at a checkpoint. Everything but `timeoutMs` is part of the gate key. */
export interface GateSpec {
  readonly id: string;
  readonly command: { readonly argv: readonly string[]; readonly shell: boolean };
  readonly timeoutMs: number;
  /** git glob pathspecs; these files come from the base, not from the agent's tree. */
  readonly protect: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly at: Position;
}

/** Commands that make a fresh clone usable, run before the agent and before gates. */
export interface SetupSpec {
  readonly commands: readonly (readonly string[])[];
  readonly timeoutMs: number;
}

/** How a task becomes several. */
export type FanOut =
  /** Over a list that is known now (`foreach` of literals, `matrix`) or will be (`foreach` of an output). */
  | {
      readonly kind: 'foreach';
      readonly as: string;
      readonly items: Template | readonly Json[];
      /** Identity of an item; without it the item's own value is its identity. */
      readonly key?: Template;
      readonly max?: number;
    }
  /** One per finished item of another task, with no barrier between. */
  | { readonly kind: 'each'; readonly of: string };

export interface TaskNode {
  readonly kind: 'task';
  readonly id: string;
  readonly title?: string;
  /** Position in the plan: merges follow it. */
  readonly order: number;
  readonly wave?: string;
  /**
   * Node ids this one waits for: `needs`, and the tasks whose outputs its `foreach` goes over. For
   * `each`, the pairing is per item and not listed here.
   */
  readonly needs: readonly string[];
  /** Barriers of earlier waves that must be passed. */
  readonly after: readonly string[];
  readonly fanOut?: FanOut;
  readonly if?: Condition;
  readonly agent: AgentSettings;
  /** Absent for commands. */
  readonly prompt?: Template;
  /** Named values given to the prompt (`with:`), to the environment and to stdin. */
  readonly inputs: { readonly [name: string]: Template };
  readonly effect: 'diff' | 'none';
  readonly output?: OutputSpec;
  /** git glob pathspecs the diff must stay inside. */
  readonly writes?: Template;
  readonly writesOutside: 'fail' | 'warn';
  readonly gates: readonly string[];
  readonly base: 'needs' | 'start' | 'integration';
  /** `continue`: goes on with the conversation and in the workspace of the item it is paired with. */
  readonly session: 'new' | 'continue';
  /** `none` (commands only): it asks for no workspace of its own. */
  readonly isolation: 'clone' | 'none';
  readonly locks: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly timeoutMs: number;
  readonly idleMs: number;
  readonly retry: { readonly transient: number; readonly gate: number };
  readonly onFailure: 'block' | 'continue' | 'stop';
  readonly denials: 'fail_if_unverified' | 'fail' | 'ignore';
  readonly trust: 'trusted' | 'untrusted';
  readonly at: Position;
}

/** Merges the committed results of `tasks` onto the integration tip, in plan order. */
export interface MergeNode {
  readonly kind: 'merge';
  readonly id: string;
  readonly tasks: readonly string[];
  readonly after: readonly string[];
}

/** Checks the integration tip after a merge. */
export interface GateNode {
  readonly kind: 'gate';
  readonly id: string;
  readonly gate: string;
  readonly merge: string;
}

/** Waits for all of `needs`; the tasks of the next wave wait for it. */
export interface BarrierNode {
  readonly kind: 'barrier';
  readonly id: string;
  readonly wave: string;
  readonly needs: readonly string[];
  /** The merge whose commit later tasks start from; absent for `join`. */
  readonly merge?: string;
}

export type Node = TaskNode | MergeNode | GateNode | BarrierNode;

/** A compiled plan. Plain data: it is stored as `plan.json` and read back on resume. */
export interface Graph {
  readonly version: 1;
  readonly name: string;
  /** `k1:<hex>` of the canonical graph without positions. */
  readonly hash: string;
  readonly source: string;
  readonly inputs: { readonly [name: string]: Json };
  readonly nodes: readonly Node[];
  readonly gates: { readonly [id: string]: GateSpec };
  readonly setup: SetupSpec | undefined;
  /** Untracked files of the user's worktree that are copied into every workspace and never captured. */
  readonly copy: readonly string[];
  readonly limits: {
    readonly parallel: number | 'auto';
    readonly usd?: number;
    readonly wallMs?: number;
  };
  readonly deliver:
    | { readonly to: 'branch'; readonly branch?: string }
    | { readonly to: 'merge'; readonly branch: string };
}
