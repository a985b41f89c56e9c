import { ancestry } from '@orch/process';
import { CoreError } from '../core-error.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Markers of processes that an orch run started: `<run>.<8 hex>`. Other owners have other markers. */
const ofRun = /^[0-9a-z]{10}\.[0-9a-f]{8}$/;

function isRun(environment: Environment): boolean {
  const { ORCH_RUN: run, ORCH_PROCESS_OWNER: owner, ORCH_PROCESS_TREE: tree } = environment;
  if (run !== undefined || (owner !== undefined && ofRun.test(owner))) return true;
  return (tree ?? '').split(' ').some((branch) => ofRun.test(branch.split('/')[0] ?? ''));
}

/** Claude Code sets these in what its agent starts. */
const isClaude = (environment: Environment): boolean =>
  environment['CLAUDECODE'] !== undefined || environment['CLAUDE_CODE_SESSION_ID'] !== undefined;

/**
 * Whether this process was started, however indirectly, by a run of orch. It is seen by the environment of the process
 * and of those it descends from (the latter on Linux alone); who leaves both behind on purpose is not seen.
 */
export function isInsideRun(environment: Environment): boolean {
  for (const one of ancestry(environment)) if (isRun(one.environment)) return true;
  return false;
}

/**
 * Throws `ORCH_APPROVAL_PERSON` unless a person sits at a terminal that no agent opened. An agent that means to deceive,
 * and runs without a sandbox as the same user, can do what its user can.
 */
export function requirePerson(
  environment: Environment,
  terminal: { readonly input: boolean; readonly output: boolean },
  what = 'An approval is given',
): void {
  const refuse = (why: string): never => {
    throw new CoreError(
      'ORCH_APPROVAL_PERSON',
      `${what} by a person, in a terminal of their own: ${why}.`,
      {},
    );
  };
  for (const one of ancestry(environment)) {
    if (isRun(one.environment)) refuse('this was started inside a run of orch');
    if (isClaude(one.environment)) refuse('this was started by Claude Code');
  }
  if (!terminal.input || !terminal.output) refuse('there is no terminal here to ask on');
}
