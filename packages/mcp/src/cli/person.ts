import { ancestry } from '@orch/process';
import { UsageError } from './report.js';

/**
 * What orch and Claude Code set in what their agents start; those of `@orch/process` also in servers and in all else
 * that orch starts.
 */
const marks = [
  'ORCH_RUN',
  'CLAUDECODE',
  'CLAUDE_CODE_SESSION_ID',
  'ORCH_PROCESS_OWNER',
  'ORCH_PROCESS_TREE',
];

/**
 * Throws a `UsageError` unless a person sits at a terminal that no agent opened: neither this process nor one that it
 * descends from (which Linux alone shows) has a mark of an agent, so that to take the marks away is not enough. An
 * agent that means to deceive, and runs without a sandbox as the same user, can do what its user can.
 */
export function requirePerson(
  environment: Readonly<Record<string, string | undefined>>,
  hasTerminal: boolean,
): void {
  for (const { pid, environment: theirs } of ancestry(environment)) {
    const mark = marks.find((name) => theirs[name] !== undefined);
    if (mark === undefined) continue;
    const whose = pid === process.pid ? '' : ` in process ${pid}, which it descends from`;
    refuse(`an agent started this (${mark} is set${whose})`);
  }
  if (!hasTerminal) refuse('there is no terminal here to ask on');
}

function refuse(why: string): never {
  throw new UsageError(`Only a person does this, in a terminal of their own: ${why}.`);
}
