import { readFileSync } from 'node:fs';
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

/** The environments of a process and of everything that it descends from, as far as the system shows them. */
function* environments(own: Environment): Generator<Environment> {
  yield own;
  let pid = process.ppid;
  // A process number that repeats itself would be a race with the end of one; a depth is enough of a guard.
  for (let depth = 0; depth < 100 && pid > 1; depth += 1) {
    try {
      const text = readFileSync(`/proc/${pid}/environ`, 'utf8');
      yield Object.fromEntries(
        text.split('\0').map((line) => {
          const at = line.indexOf('=');
          return [line.slice(0, at), line.slice(at + 1)];
        }),
      );
    } catch {
      // Another user's, such as a login; what started it may still be ours.
    }
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      pid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    } catch {
      return;
    }
  }
}

/**
 * Whether this process was started, however indirectly, by a run of orch. It is seen by the environment of the process
 * and of those it descends from (the latter on Linux alone); who leaves both behind on purpose is not seen.
 */
export function isInsideRun(environment: Environment): boolean {
  for (const one of environments(environment)) if (isRun(one)) return true;
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
  for (const one of environments(environment)) {
    if (isRun(one)) refuse('this was started inside a run of orch');
    if (isClaude(one)) refuse('this was started by Claude Code');
  }
  if (!terminal.input || !terminal.output) refuse('there is no terminal here to ask on');
}
