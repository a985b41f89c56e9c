import type { Ended, OwnedProcess } from '@orch/process';
import type { Turn, TurnContext } from '../driver.js';
import type { AgentEvent, Notice } from '../event.js';
import { createEventQueue } from '../event-queue.js';
import { lastPart } from '../excerpt.js';
import type { Redaction } from '../redaction.js';
import { endOfUnstarted, isAborted, sayEnd } from '../process-end.js';
import { createConversation, type Patience } from './conversation.js';
import { createInterpreter } from './interpreter.js';
import type { ClaudeTurnRequest } from './request.js';
import type { ClaudeExit } from './verdict.js';

/** Claude Code writes its transcript up to 100 ms late, and more on a busy machine. */
const flushMs = 500;

/** Everything a turn is started with. */
export interface Launch {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly request: Pick<ClaudeTurnRequest, 'cwd' | 'limits' | 'allow' | 'project'>;
  readonly prompt: string;
  readonly continuing: boolean;
  readonly notices: readonly Notice[];
  readonly redaction: Redaction;
  readonly patience: Patience;
}

/** Starts the process and turns what it writes into the events of a turn. */
export async function runClaudeTurn(launch: Launch, context: TurnContext): Promise<Turn> {
  const { request, redaction } = launch;
  const interpreter = createInterpreter({
    cwd: request.cwd,
    allow: request.allow ?? [],
    continuing: launch.continuing,
    redaction,
  });
  const queue = createEventQueue<AgentEvent>(cancel);
  let running: OwnedProcess | undefined;
  const conversation = createConversation(
    {
      write: (text) => void running?.write(text),
      closeStdin: () => running?.closeStdin(),
      end: () => void running?.end().catch(() => undefined), // its rejection is seen by `ended`
    },
    interpreter,
    { ...launch.patience, prompt: launch.prompt, trusted: request.project === 'trusted' },
  );

  function cancel(): void {
    conversation.cancel();
  }

  function emit(events: readonly AgentEvent[]): Promise<void> | undefined {
    return events.map((event) => queue.push(event)).at(-1);
  }

  for (const notice of launch.notices) void queue.push(notice);
  try {
    running = await context.owner.start({
      argv: launch.argv,
      cwd: request.cwd,
      env: launch.env,
      stdin: 'pipe',
      guardMs: flushMs,
      ...request.limits,
      ...(isAborted(context) ? { signal: context.signal } : {}),
      onStdoutLine(line) {
        const { events, reply } = interpreter.read(line);
        if (reply !== undefined) void running?.write(reply);
        conversation.proceed();
        return emit(events);
      },
      onStderrLine: (text) =>
        emit([{ kind: 'output', stream: 'stderr', text: redaction.text(text) }]),
    });
  } catch (error) {
    void queue.push(endOfUnstarted(error));
    queue.close();
    return { events: queue.events, cancel, pid: undefined };
  }
  context.signal?.addEventListener('abort', cancel, { once: true });
  if (isAborted(context)) cancel();
  conversation.begin();

  void sayEnd(running, queue, (ended) => {
    conversation.close();
    context.signal?.removeEventListener('abort', cancel);
    const exit = exitOf(ended);
    if (exit.by === 'lingered') void queue.push(lingered(interpreter.background.running));
    return interpreter.end(exit);
  });

  function exitOf(ended: Ended): ClaudeExit {
    return {
      by: howItEnded(ended),
      code: ended.code,
      signal: ended.signal,
      durationMs: ended.durationMs,
      left: ended.survivors.length,
      stderr: lastPart(redaction.text(ended.stderr.text), 2000),
    };
  }

  function howItEnded(ended: Ended): ClaudeExit['by'] {
    const { answered, background } = interpreter;
    if (ended.reason === 'output_limit' || ended.reason === 'exited') {
      return conversation.stopped ?? ended.reason;
    }
    // Nobody saw how it would have ended: an exit without a code.
    if (ended.reason === 'lost') return conversation.stopped ?? 'exited';
    if (ended.reason === 'cancelled') return conversation.stopped ?? 'cancelled';
    // Nothing was awaited but the exit, or shell commands: the answer stands.
    const done = answered && (background.running === 0 || background.onlyShells);
    return conversation.stopped ?? (done ? 'lingered' : ended.reason);
  }

  return { events: queue.events, cancel, pid: running.identity.pid };
}

function lingered(tasks: number): Notice {
  const why = tasks === 0 ? 'it did not exit' : `${tasks} of its background tasks still ran`;
  const text = `Claude Code was ended after its last answer, because ${why}.`;
  return { kind: 'notice', level: 'warning', text };
}
