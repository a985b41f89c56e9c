import type { TaskNode } from '../graph/graph.js';
import { renderText, resolveTemplate } from '../graph/resolve.js';
import type { Json } from '../json.js';
import type { TaskState } from '../state/state.js';
import type { RunContext } from './context.js';
import { scopeOf } from './scope.js';
import { workKey } from './work-key.js';

/** What a task asks, with every reference resolved. */
export interface Work {
  readonly key: string;
  readonly fields: { readonly [field: string]: string };
  readonly prompt: string;
  readonly argv: readonly string[] | undefined;
  readonly inputs: { readonly [name: string]: Json };
  readonly writes: readonly string[] | undefined;
}

/** Resolves every reference of a task against what is committed, and derives its work key. */
export async function resolveWork(
  context: RunContext,
  node: TaskNode,
  task: TaskState,
  base: string,
): Promise<Work> {
  const scope = scopeOf(context.graph, context.journal.state(), node, task);
  const inputs = Object.fromEntries(
    Object.entries(node.inputs).map(([name, template]) => [name, resolveTemplate(template, scope)]),
  );
  const prompt = node.prompt ? renderText(node.prompt, { ...scope, with: inputs }) : '';
  const argv = node.agent.command?.argv.map((element) => asText(resolveTemplate(element, scope)));
  const writes = node.writes && asGlobs(resolveTemplate(node.writes, scope));
  const baseTree = await context.workspace.tree(base);
  const key = workKey({ node, prompt, inputs, argv, writes, setup: context.graph.setup, baseTree });
  return { ...key, prompt, argv, inputs, writes };
}

const asText = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

const asGlobs = (value: Json): readonly string[] =>
  Array.isArray(value) ? value.map(asText) : [asText(value)];
