import { runPreview, readRehearsalScript } from '@orch/core';
import { openPlanApprovals, requirePerson, type PlanApproval } from '@orch/core/approvals';
import { explainGraph } from '@orch/core/plan';
import { findRepositoryRoot } from '@orch/core/status';
import { exitCode } from '../exit-codes.js';
import { oneLine } from '../render/neutral.js';
import { explainLines } from '../render/plan-lines.js';
import { counted } from '../render/run-lines.js';
import type { Screen } from '../render/screen.js';
import { shellWord } from '../render/shell-word.js';
import { confirm } from './confirm.js';
import { readPlanFile } from './plan-file.js';

interface Flags {
  readonly json?: boolean;
}

const open = async () => {
  const root = await findRepositoryRoot(process.cwd());
  return { root, approvals: openPlanApprovals(root, process.env) };
};

/** `orch plan approve FILE`: shows what programs could start, and asks. There is no way to say yes without a terminal. */
export async function planApproveCommand(
  screen: Screen,
  file: string,
  flags: Flags & {
    readonly rehearsals?: boolean;
    readonly input?: Readonly<Record<string, string>>;
  },
): Promise<number> {
  const terminal = { input: process.stdin.isTTY, output: process.stdout.isTTY };
  requirePerson(process.env, terminal);
  const { approvals } = await open();
  const graph = await readPlanFile(screen, file, flags.input ?? {});
  const script = await readRehearsalScript(file);
  const scope = flags.rehearsals ? 'rehearsal' : 'run';
  for (const node of explainGraph(graph))
    for (const line of explainLines(screen, node)) screen.line(line);
  const { tasks, paidTasks, usd, isolation } = runPreview(graph, undefined);
  const budget =
    usd === undefined ? 'no budget (limits.usd)' : `at most about $${usd.toFixed(2)} a run`;
  screen.line(
    `${screen.style('bold', oneLine(graph.name))} · ${counted(tasks, 'task')}, ${paidTasks} of them ask a model · ${budget}`,
  );
  screen.line(screen.style('dim', `isolation: ${isolation}`));
  screen.line(screen.style('dim', `hash: ${graph.hash}`));
  screen.line(
    `Look at a prompt with: orch plan show ${shellWord(file)} TASK. Whoever uses orch mcp serve in this repository may then ` +
      `${scope === 'run' ? 'run and rehearse' : 'rehearse'} exactly this plan, as often as they like; its commands run as you.`,
  );
  if (!(await confirm('Approve this plan? [y/N] '))) {
    screen.line('Nothing was approved.');
    return exitCode.interrupted;
  }
  const approval = approvals.approve({ graph, file, scope, script });
  if (flags.json) screen.json(approval);
  else
    screen.line(
      `Approved ${short(approval)}${scope === 'run' ? '' : ' for rehearsals'}. Take it back: orch plan revoke ${short(approval)}`,
    );
  return exitCode.ok;
}

const short = ({ hash }: PlanApproval): string => hash.replace(/^k1:/, '').slice(0, 12);

/** `orch plan approvals`: what programs may start here. */
export async function planApprovalsCommand(screen: Screen, flags: Flags): Promise<number> {
  const list = (await open()).approvals.list();
  if (flags.json) screen.json(list);
  else if (list.length === 0) screen.line('No plan of this repository is approved.');
  else
    for (const approval of list) {
      const { name, file, scope, at } = approval;
      const when = at.slice(0, 16).replace('T', ' ');
      screen.line(
        `${short(approval)}  ${scope.padEnd(9)}  ${when}  ${oneLine(name)}  ${oneLine(file)}`,
      );
    }
  return exitCode.ok;
}

/** `orch plan revoke HASH`. Anybody may: it only takes away. */
export async function planRevokeCommand(
  screen: Screen,
  hash: string,
  flags: Flags,
): Promise<number> {
  const approval = (await open()).approvals.revoke(hash);
  if (flags.json) screen.json(approval);
  else
    screen.line(
      `${short(approval)} (${oneLine(approval.name)}) cannot be started by programs any more.`,
    );
  return exitCode.ok;
}
