import {
  openOrchestrator,
  readRehearsalScript,
  runPreview,
  type Graph,
  type Orchestrator,
} from '@orch/core';
import { exitCode } from '../exit-codes.js';
import { wrapped } from '../render/cells.js';
import { neutral, oneLine } from '../render/neutral.js';
import { counted } from '../render/run-lines.js';
import type { Screen } from '../render/screen.js';
import { conduct } from './conduct.js';
import { confirm } from './confirm.js';
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
  const graph = await readPlanFile(screen, file, flags.input ?? {});
  return withOrchestrator(async (orchestrator) => {
    if (!json) preview(screen, orchestrator, graph, flags.parallel);
    if (flags.dryRun) {
      if (json) screen.json({ ok: true, dryRun: true, ...runPreview(graph, flags.parallel) });
      else screen.line('Nothing was started (--dry-run).');
      return exitCode.ok;
    }
    // Nobody decides about money for a run that cannot begin.
    await orchestrator.requireAgents(graph);
    const asks = !(flags.yes ?? false) && !json && screen.live && process.stdin.isTTY;
    if (asks && !(await confirm(question(graph)))) {
      screen.line('Nothing was started.');
      return exitCode.interrupted;
    }
    return conduct(screen, { json }, (watching) =>
      orchestrator.run({ graph, ...parallelOf(flags), ...watching }),
    );
  });
}

/** `orch rehearse PLAN`: the same run against a scripted model. */
export async function rehearseCommand(
  screen: Screen,
  file: string,
  flags: RunFlags & { readonly script?: string },
): Promise<number> {
  const json = flags.json ?? false;
  const graph = await readPlanFile(screen, file, flags.input ?? {});
  const rehearsal = await readRehearsalScript(file, flags.script);
  return withOrchestrator(async (orchestrator) => {
    if (!json) preview(screen, orchestrator, graph, flags.parallel);
    return conduct(screen, { json }, (watching) =>
      orchestrator.run({ graph, rehearsal, ...parallelOf(flags), ...watching }),
    );
  });
}

const parallelOf = ({ parallel }: RunFlags): { readonly parallel?: number } =>
  parallel === undefined ? {} : { parallel };

async function withOrchestrator(
  work: (orchestrator: Orchestrator) => Promise<number>,
): Promise<number> {
  const orchestrator = await openOrchestrator({
    directory: process.cwd(),
    environment: process.env,
  });
  try {
    return await work(orchestrator);
  } finally {
    await orchestrator.close();
  }
}

/** What is about to happen, and from which state of the repository. */
function preview(
  screen: Screen,
  { repository, parallelFor }: Orchestrator,
  graph: Graph,
  parallel: number | undefined,
): void {
  const facts = runPreview(graph, parallel ?? parallelFor(graph));
  const say = (text: string): void => {
    for (const line of wrapped(text, screen.size().columns)) screen.line(line);
  };
  const { head, uncommitted } = repository;
  const tasks = `${counted(facts.tasks, 'task')}${facts.fanOuts > 0 ? ' and their items' : ''}`;
  say(
    [
      screen.style('bold', oneLine(graph.name)),
      tasks,
      `from ${head.commit.slice(0, 10)} (${oneLine(head.branch ?? 'detached HEAD')})`,
      `${facts.parallel} at once (${facts.parallelReason})`,
    ].join(' · '),
  );
  say(screen.style('dim', `isolation: ${facts.isolation}`));
  if (uncommitted.count > 0) {
    const named = uncommitted.paths.slice(0, 3).map(oneLine).join(', ');
    say(
      `${screen.style('yellow', 'left out')}: ${counted(uncommitted.count, 'uncommitted change')} ` +
        `(${named}${uncommitted.count > 3 ? ', …' : ''}); the run uses HEAD`,
    );
  }
}

/** Nothing to ask about when nothing costs money. */
function question(graph: Graph): string | undefined {
  const { paidTasks, usd } = runPreview(graph, undefined);
  if (paidTasks === 0) return undefined;
  const budget =
    usd === undefined ? 'no budget is set (limits.usd)' : `at most about $${usd.toFixed(2)}`;
  return neutral(
    `${counted(paidTasks, 'task')} of the plan ${paidTasks === 1 ? 'asks' : 'ask'} a model for money; ${budget}. Start? [y/N] `,
  );
}
