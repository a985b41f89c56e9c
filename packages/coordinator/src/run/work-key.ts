import { createHash } from 'node:crypto';
import { canonicalJson } from '../graph/canonical-json.js';
import type { GateSpec, SetupSpec, TaskNode } from '../graph/graph.js';
import type { Json } from '../json.js';

/** The identity of a question. Equal keys: the recorded answer stands. */
export interface WorkKey {
  /** `k1:<64 hex>`. */
  readonly key: string;
  /** Hash per field, so that the one that changed can be named. */
  readonly fields: { readonly [field: string]: string };
}

/**
 * Everything that shapes the work, and nothing else: not timeouts, retries, budgets, slots, wave,
 * title, environment values or the agent's version.
 */
export function workKey(work: {
  readonly node: TaskNode;
  readonly prompt: string;
  readonly inputs: { readonly [name: string]: Json };
  readonly argv: readonly string[] | undefined;
  readonly writes: readonly string[] | undefined;
  readonly setup: SetupSpec | undefined;
  readonly baseTree: string;
}): WorkKey {
  const { command, turns: _turns, usd: _usd, ...agent } = work.node.agent;
  const fields: { [field: string]: string } = {
    agent: hash({
      ...agent,
      ...(command ? { argv: work.argv ?? [], shell: command.shell, expect: command.expect } : {}),
    }),
    base: hash(work.baseTree),
    effect: hash(work.node.effect),
    inputs: hash(work.inputs),
    output: hash(work.node.output ?? null),
    prompt: hash(work.prompt),
    setup: hash(work.setup?.commands ?? null),
    writes: hash(work.writes ?? null),
  };
  return { key: `k1:${hash(fields)}`, fields };
}

/**
 * The identity of a check: the same gate on the same tree gives the recorded answer. Where it `protect`s
 * files, these come from the base, whose tree is then part of the question.
 */
export function gateKey(
  gate: GateSpec,
  checked: { readonly tree: string; readonly baseTree: string },
  setup: SetupSpec | undefined,
): string {
  return `k1:${hash({
    tree: checked.tree,
    command: gate.command,
    protect: gate.protect,
    ...(gate.protect.length > 0 ? { base: checked.baseTree } : {}),
    env: Object.entries(gate.env).sort(([a], [b]) => (a < b ? -1 : 1)),
    setup: setup?.commands ?? null,
  })}`;
}

const hash = (value: unknown): string =>
  createHash('sha256')
    .update(typeof value === 'string' ? value : canonicalJson(value as Json))
    .digest('hex');
