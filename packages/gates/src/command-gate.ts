import { ProcessError, type Ended, type ProcessOwner } from '@orch/process';
import { composeFindings } from './findings.js';
import { GateError } from './gate-error.js';
import { digestOutput, type GateResult, type Receipt } from './gate-result.js';
import { toPlainText } from './plain-text.js';
import { findZeroTests } from './zero-tests.js';

/** A command that checks one commit. */
export interface CommandGateRequest {
  /** Name of the gate, for messages. */
  readonly id: string;
  /** With `shell`, `argv` is one line, and `/bin/sh -c` runs it; without, no shell ever sees it. */
  readonly command: { readonly argv: readonly string[]; readonly shell: boolean };
  /** Absolute path of a checkout of `commit`. */
  readonly cwd: string;
  /**
   * The complete environment. What is checked may be hostile: the caller must not put provider or git
   * credentials in it. Nothing is added but the markers of the process owner.
   */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly commit: string;
  readonly tree: string;
  /** What is being checked, for people: a task's label or a merge. */
  readonly subject: string;
}

export interface CommandGateContext {
  /** Starts the command, and ends all of its processes. */
  readonly owner: ProcessOwner;
  /** Aborted: the gate ends at once, with verdict `error`. */
  readonly signal: AbortSignal;
}

function argvOf({ id, command }: CommandGateRequest): readonly [string, ...string[]] {
  const [program, ...args] = command.argv;
  if (program === undefined || program.trim() === '' || (command.shell && args.length > 0)) {
    throw new GateError(
      'ORCH_GATES_REQUEST',
      `Gate ${id} has no command that can run: expected ${command.shell ? 'one shell line' : 'a program and its arguments'}, received ${JSON.stringify(command.argv)}.`,
      { id, argv: command.argv, shell: command.shell },
    );
  }
  return command.shell ? ['/bin/sh', '-c', program] : [program, ...args];
}

function durationText(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}

/** Verdict and first line of the findings. */
function judge(
  request: CommandGateRequest,
  argv: readonly string[],
  ended: Ended,
): Pick<GateResult, 'verdict'> & { readonly heading: string } {
  const command = JSON.stringify(argv);
  const left = ended.survivors.map(({ name, pid }) => `${name} (${pid})`).join(', ');
  const { id, subject, timeoutMs } = request;
  if (ended.reason === 'cancelled') {
    return {
      verdict: 'error',
      heading: `Gate ${id} on ${subject} was cancelled before it was done.`,
    };
  }
  if (ended.reason === 'timed_out') {
    const heading = `Timed out: ${command} ran longer than its limit of ${durationText(timeoutMs)} and was ended.`;
    return { verdict: 'failed', heading };
  }
  if (ended.reason === 'lost') {
    const heading = `${command} was ended: the process that started it was killed. Run the gate again.`;
    return { verdict: 'error', heading };
  }
  if (ended.signal !== null) {
    return {
      verdict: 'failed',
      heading: `${command} was ended by signal ${ended.signal}, not by us.`,
    };
  }
  if (ended.code !== 0) {
    return { verdict: 'failed', heading: `${command} ended with exit code ${String(ended.code)}.` };
  }
  if (left !== '') {
    const heading = `${command} ended with exit code 0 but left processes that cannot be ended: ${left}. End them, then run the gate again.`;
    return { verdict: 'error', heading };
  }
  const runner = findZeroTests(toPlainText(`${ended.stdout.text}\n${ended.stderr.text}`));
  if (runner !== undefined) {
    const heading = `Zero tests ran: ${command} ended with exit code 0, but its ${runner} report shows no test that ran. Check names, patterns and skips of the tests.`;
    return { verdict: 'failed', heading };
  }
  return { verdict: 'passed', heading: '' };
}

/**
 * Runs a command as a gate. Exit code 0 passes, unless the output is a test runner's report in which no
 * test ran. Any other end fails: another exit code, a signal, the time limit. A program that cannot start,
 * a cancellation, and processes that cannot be ended are `error`.
 *
 * Throws `ORCH_GATES_REQUEST` for a request without a command, and the `ProcessError` of an owner that is
 * closed or whose ledger failed.
 */
export async function runCommandGate(
  request: CommandGateRequest,
  context: CommandGateContext,
): Promise<GateResult> {
  const argv = argvOf(request);
  const receipt = (ended?: Ended): Receipt => ({
    commit: request.commit,
    tree: request.tree,
    argv,
    environment: Object.keys(request.env).sort(),
    exit: { code: ended?.code ?? null, signal: ended?.signal ?? null },
    durationMs: ended?.durationMs ?? 0,
    output: digestOutput(ended && { stdout: ended.stdout.sha256, stderr: ended.stderr.sha256 }),
  });
  let ended: Ended;
  try {
    ended = await context.owner.run({
      argv: [...argv],
      cwd: request.cwd,
      env: request.env,
      wallMs: request.timeoutMs,
      signal: context.signal,
    });
  } catch (error) {
    const ours = ProcessError.isInstance(error) ? error : undefined;
    if (ours?.code !== 'ORCH_PROCESS_START' && ours?.code !== 'ORCH_PROCESS_SPEC') throw error;
    const findings = composeFindings(
      `Gate ${request.id} could not run on ${request.subject}. ${ours.message}`,
      { stdout: '', stderr: '' },
    );
    return { verdict: 'error', findings, receipt: receipt() };
  }
  const { verdict, heading } = judge(request, argv, ended);
  if (verdict === 'passed') return { verdict, findings: '', receipt: receipt(ended) };
  const output = { stdout: ended.stdout.text, stderr: ended.stderr.text };
  return { verdict, findings: composeFindings(heading, output), receipt: receipt(ended) };
}
