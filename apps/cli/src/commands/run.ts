import { createInterface } from 'node:readline/promises';
import { openOrchestrator, readRehearsalScript, runPreview, type Graph, type Orchestrator } from '@orch/core';
import { exitCode } from '../exit-codes.js';
import type { Screen } from '../render/screen.js';
import { conduct } from './conduct.js';
import { readPlanFile } from './plan-file.js';

export interface RunFlags {
  readonly input?: Readonly<Record<string, string>>;
  readonly parallel?: number;
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** `orch run PLAN`: real agents, real money. */
export async function runCommand(screen: Screen, file: string, flags: RunFlags): Promise<number> {
  const json = flags.json ?? false;
  const graph = await readPlanFile(screen, file, flags.input ?? {}, json);
  if (!graph) return exitCode.usage;
  const orchestrator = await openOrchestrator({ directory: process.cwd(), environment: process.env });
  try {
    if (!json) preview(screen, orchestrator, graph, flags.parallel);
    if (flags.dryRun) {
      if (json) screen.line(JSON.stringify({ ok: true, dryRun: true, ...runPreview(graph, flags.parallel) }));
      return exitCode.ok;
    }
    if (!(flags.yes ?? false) && !json && !(await confirm(screen, graph))) return exitCode.interrupted;
    return await conduct(screen, { json, rehearsal: false }, (watching) =>
      orchestrator.run({ graph, ...(flags.parallel === undefined ? {} : { parallel: flags.parallel }), ...watching }),
    );
  } finally {
    await orchestrator.close();
  }
}

/** `orch rehearse PLAN`: the same run against a scripted model. */
export async function rehearseCommand(
  screen: Screen,
  file: string,
  flags: RunFlags & { readonly script?: string },
): Promise<number> {
  const json = flags.json ?? false;
  const graph = await readPlanFile(screen, file, flags.input ?? {}, json);
  if (!graph) return exitCode.usage;
  const rehearsal = await readRehearsalScript(file, flags.script);
  const orchestrator = await openOrchestrator({ directory: process.cwd(), environment: process.env });
  try {
    if (!json) preview(screen, orchestrator, graph, flags.parallel);
    return await conduct(screen, { json, rehearsal: true }, (watching) =>
      orchestrator.run({ graph, rehearsal, ...(flags.parallel === undefined ? {} : { parallel: flags.parallel }), ...watching }),
    );
  } finally {
    await orchestrator.close();
  }
}

/** What is about to happen, and from which state of the repository. */
function preview(screen: Screen, { repository }: Orchestrator, graph: Graph, parallel: number | undefined): void {
  const facts = runPreview(graph, parallel);
  const { head, uncommitted } = repository;
  screen.line(
    `${screen.style('bold', graph.name)} · ${facts.tasks} ${facts.tasks === 1 ? 'task' : 'tasks'}${facts.fanOuts > 0 ? ' and their items' : ''} · ` +
      `${facts.parallel} at once (${facts.parallelReason}) · from ${head.commit.slice(0, 10)} (${head.branch ?? 'detached HEAD'})`,
  );
  screen.line(screen.style('dim', `isolation: ${facts.isolation}`));
  if (uncommitted.count > 0) {
    screen.line(
      `${screen.style('yellow', 'left out')}: ${uncommitted.count} uncommitted ${uncommitted.count === 1 ? 'change' : 'changes'} ` +
        `(${uncommitted.paths.slice(0, 3).join(', ')}${uncommitted.count > 3 ? ', …' : ''}); the run uses HEAD`,
    );
  }
}

/** Money is only spent after a yes, where somebody can give it. */
async function confirm(screen: Screen, graph: Graph): Promise<boolean> {
  const facts = runPreview(graph, undefined);
  if (facts.paidTasks === 0 || !process.stdin.isTTY || !screen.terminal) return true;
  const budget = facts.usd === undefined ? 'no budget is set (limits.usd)' : `at most about $${facts.usd.toFixed(2)}`;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`${facts.paidTasks} ${facts.paidTasks === 1 ? 'task asks' : 'tasks ask'} a model for money; ${budget}. Start? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
