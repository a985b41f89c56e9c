import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Graph } from '@orch/coordinator';
import { compilePlan, readPlan, type PlanProblem } from '@orch/coordinator/plan';

export type LoadedPlan =
  | { readonly kind: 'graph'; readonly graph: Graph; readonly warnings: readonly PlanProblem[] }
  | { readonly kind: 'problems'; readonly problems: readonly PlanProblem[]; readonly text: string };

/**
 * Reads, checks and compiles a plan file. Executes nothing.
 * @param file as the user wrote it; it appears so in every problem
 * @param inputs values of `--input name=value`
 * @throws the file system's error when the plan itself cannot be read
 */
export async function loadPlan(
  file: string,
  directory: string,
  inputs: Readonly<Record<string, string>>,
): Promise<LoadedPlan> {
  const absolute = path.resolve(directory, file);
  const text = await readFile(absolute, 'utf8');
  const read = await readPlan({
    file,
    text,
    readFile: (relative) =>
      readFile(path.resolve(path.dirname(absolute), relative), 'utf8').catch(() => undefined),
  });
  if ('problems' in read) return { kind: 'problems', problems: read.problems, text };
  const compiled = compilePlan(read.plan, { inputs, source: file });
  if ('problems' in compiled) return { kind: 'problems', problems: compiled.problems, text };
  return { kind: 'graph', graph: compiled.graph, warnings: read.warnings };
}
