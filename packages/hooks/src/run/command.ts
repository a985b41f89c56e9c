import { ProcessError, type ProcessOwner } from '@orch/process';
import { answerLimit } from './answer.js';
import { failed, flooded, readExit, timedOut, type Delivery, type Ran } from './result.js';

/** How long output may still come after the program's exit; whoever holds it open then is ended. */
const drainMs = 50;
const graceMs = 200;

/** Starts a program for one event: payload on stdin, answer on stdout, and nothing of it left afterwards. */
export async function runCommand(
  owner: ProcessOwner,
  argv: readonly string[],
  delivery: Delivery,
): Promise<Ran> {
  const { payload, timeoutMs, env, signal } = delivery;
  const flood = new AbortController();
  let printed = 0;
  const count = (line: string): void => {
    printed += line.length + 1;
    if (printed > answerLimit) flood.abort();
  };
  try {
    const ended = await owner.run({
      argv: argv as [string, ...string[]],
      // Of no interest to anybody: nothing that a program looks up from where it stands was put there by an agent.
      cwd: '/',
      env,
      input: `${payload}\n`,
      wallMs: timeoutMs,
      graceMs,
      drainMs,
      captureBytes: 2 * answerLimit,
      maxLineBytes: 2 * answerLimit,
      signal: signal === undefined ? flood.signal : AbortSignal.any([signal, flood.signal]),
      onStdoutLine: count,
      onStderrLine: count,
    });
    switch (ended.reason) {
      case 'exited':
        return printed > answerLimit
          ? flooded()
          : readExit(delivery, ended, ended.stdout.text, ended.stderr.text);
      case 'timed_out':
      case 'stalled':
        return timedOut(timeoutMs);
      case 'output_limit':
        return flooded();
      case 'cancelled':
        return flood.signal.aborted ? flooded() : failed('cancelled', 'it was cancelled');
      case 'lost':
        return failed('signal', 'the process that started it was killed');
    }
  } catch (error) {
    return startFailure(error);
  }
}

/** What to say of a program that could not be started. Anything but a refusal of the system is a defect. */
export function startFailure(error: unknown): Ran {
  if (!ProcessError.isInstance(error)) throw error;
  return failed(
    error.code === 'ORCH_PROCESS_CANCELLED' ? 'cancelled' : 'missing',
    `it could not be started: ${error.message}`,
  );
}
