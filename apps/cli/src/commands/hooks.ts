import { readFileSync } from 'node:fs';
import {
  applyInstall,
  openRepositoryHooks,
  type JsonObject,
  type Proposal,
} from '@orch/core/hooks';
import { exitCode } from '../exit-codes.js';
import { hookLines, logLines, outcomeLines, proposalLines } from '../render/hooks-lines.js';
import type { Screen } from '../render/screen.js';
import { UsageError } from '../usage-error.js';
import { confirm } from './confirm.js';

interface Flags {
  readonly json?: boolean;
  readonly yes?: boolean;
}

const open = () => openRepositoryHooks({ directory: process.cwd(), environment: process.env });

/** `orch hooks list`: what runs, what does not, and why. */
export async function hooksListCommand(screen: Screen, flags: Flags): Promise<number> {
  const { table, approvals } = await open();
  const { unreadable } = approvals;
  if (flags.json) screen.json({ hooks: table.hooks, refused: table.refused, unreadable });
  else for (const line of hookLines(screen, table, unreadable)) screen.line(line);
  return exitCode.ok;
}

/** `orch hooks approve ID`: shows what exactly would run, and asks. */
export async function hooksApproveCommand(
  screen: Screen,
  id: string,
  flags: Flags,
): Promise<number> {
  const hooks = await open();
  const proposal: Proposal = await hooks.propose(id);
  if (flags.json !== true) for (const line of proposalLines(screen, proposal)) screen.line(line);
  if (!(await saidYes(screen, flags, 'Approve this hook? [y/N] ', 'Approving a hook')))
    return exitCode.interrupted;
  const approval = await hooks.approve(proposal);
  if (flags.json) screen.json(approval);
  else screen.line(`Approved ${approval.id}. Take it back: orch hooks revoke ${approval.id}`);
  return exitCode.ok;
}

/** `orch hooks revoke ID`. */
export async function hooksRevokeCommand(
  screen: Screen,
  id: string,
  flags: Flags,
): Promise<number> {
  const approval = await (await open()).revoke(id);
  if (flags.json) screen.json(approval);
  else screen.line(`${approval.id} (${approval.event}) does not run any more.`);
  return exitCode.ok;
}

/** `orch hooks test EVENT`: runs what would run, on a payload of your own. 1 if it is blocked. */
export async function hooksTestCommand(
  screen: Screen,
  event: string,
  flags: Flags & { readonly payload?: string },
): Promise<number> {
  const outcome = await (await open()).test(event, readPayload(flags.payload));
  if (flags.json) screen.json(outcome);
  else for (const line of outcomeLines(screen, outcome)) screen.line(line);
  return outcome.blocked ? exitCode.failed : exitCode.ok;
}

function readPayload(given: string | undefined): JsonObject {
  if (given === undefined) return {};
  const text = given === '-' ? readFileSync(0, 'utf8') : given;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as JsonObject;
  } catch {
    // Said below.
  }
  throw new UsageError(
    'The payload must be a JSON object, such as {"tool_name":"Bash"}, or - to read one from stdin',
  );
}

/** `orch hooks log`: what ran, newest last. */
export async function hooksLogCommand(
  screen: Screen,
  flags: Flags & { readonly lines?: number },
): Promise<number> {
  const lines = (await open()).log(flags.lines ?? 20);
  if (flags.json) screen.json(lines);
  else if (lines.length === 0) screen.line('No hook has run yet.');
  else for (const line of logLines(screen, lines)) screen.line(line);
  return exitCode.ok;
}

/** `orch hooks install`: lets the user's own Claude Code call `orch hook`; shows the difference first. */
export async function hooksInstallCommand(
  screen: Screen,
  flags: Flags & { readonly event?: readonly string[] },
): Promise<number> {
  const hooks = await open();
  const [script = ''] = process.argv.slice(1);
  const plan = hooks.planInstall([process.execPath, script], flags.event ?? []);
  if (flags.json !== true) {
    screen.line(plan.file);
    for (const line of plan.diff)
      screen.line(
        line.startsWith('+')
          ? screen.style('green', line)
          : line.startsWith('-')
            ? screen.style('red', line)
            : line,
      );
    if (plan.diff.length === 0) screen.line('Nothing to change.');
    screen.line(
      'A missing or killed orch lets the tool run: Claude Code then decides as if there were no hook.',
    );
  }
  if (plan.diff.length > 0) {
    if (
      !(await saidYes(screen, flags, 'Write this? [y/N] ', 'Changing the settings of Claude Code'))
    )
      return exitCode.interrupted;
    applyInstall(plan);
  }
  await hooks.publish();
  if (flags.json) screen.json(plan);
  else {
    screen.line('Sessions that start from now on go through orch, with the hooks as they are now.');
    screen.line('After a change of their settings: orch hooks install');
  }
  return exitCode.ok;
}

async function saidYes(
  screen: Screen,
  flags: Flags,
  question: string,
  what: string,
): Promise<boolean> {
  if (flags.yes) return true;
  if (flags.json || !screen.live || !process.stdin.isTTY)
    throw new UsageError(`${what} needs a yes: add --yes`);
  const yes = await confirm(question);
  if (!yes) screen.line('Nothing was changed.');
  return yes;
}
