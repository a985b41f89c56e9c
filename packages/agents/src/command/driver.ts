import type { Ended, OwnedProcess } from '@orch/process';
import type { AgentDriver, Turn, TurnContext } from '../driver.js';
import type { AgentEvent, TurnEnded, TurnError, TurnOutcome } from '../event.js';
import { createEventQueue } from '../event-queue.js';
import { lastPart, oneLine } from '../excerpt.js';
import { endOfUnstarted, isAborted, sayEnd } from '../process-end.js';
import { createRedaction, type Redaction } from '../redaction.js';
import { noUsage } from '../usage.js';
import { layOutInputs } from './inputs.js';
import { createOutputReader, type OutputReader } from './output.js';
import { createOutputRecord } from './output-record.js';
import { checkCommandRequest, type CommandTurnRequest } from './request.js';

const defaultOutputBytes = 16 * 1024 * 1024;
const defaultRecordBytes = 1024 * 1024;

/** Creates the driver that runs a plain command: no model, no conversation, no cost. */
export function createCommandDriver(): AgentDriver<CommandTurnRequest> {
  return {
    name: 'command',
    capabilities: {
      continues: false,
      structuredOutput: false,
      reportsCost: true,
      reportsDenials: false,
      interruptible: false,
    },
    detect: () => Promise.resolve({ available: true, credentials: [], warnings: [] }),
    start: startCommand,
  };
}

async function startCommand(request: CommandTurnRequest, context: TurnContext): Promise<Turn> {
  checkCommandRequest(request);
  const inputs = await layOutInputs(request);
  const redaction = createRedaction(request.secrets ?? []);
  const reader = createOutputReader(request.output, request.outputBytes ?? defaultOutputBytes);
  const queue = createEventQueue<AgentEvent>(cancel);
  const record = createOutputRecord({
    headBytes: request.headBytes ?? defaultRecordBytes,
    tailBytes: request.tailBytes ?? defaultRecordBytes,
    redact: (text) => redaction.text(text),
    push: (event) => queue.push(event),
  });
  let running: OwnedProcess | undefined;

  function cancel(): void {
    void running?.end().catch(() => undefined); // its rejection is seen by `ended`
  }

  for (const name of inputs.leftOut) {
    const text = `${name} is not set: its value does not fit into a variable. Read the file or stdin.`;
    void queue.push({ kind: 'notice', level: 'warning', text });
  }
  try {
    running = await context.owner.start({
      argv:
        'shell' in request.command
          ? ['/bin/sh', '-c', request.command.shell]
          : request.command.argv,
      cwd: request.cwd,
      env: { ...request.env, ...inputs.env },
      stdin: inputs.stdin === undefined ? 'closed' : 'pipe',
      ...request.limits,
      ...(context.signal === undefined ? {} : { signal: context.signal }),
      onStdoutLine(line) {
        reader.add(line);
        return record.add('stdout', line);
      },
      onStderrLine: (line) => record.add('stderr', line),
    });
  } catch (error) {
    void queue.push(endOfUnstarted(error));
    queue.close();
    return { events: queue.events, cancel, pid: undefined };
  }
  if (isAborted(context)) cancel();
  if (inputs.stdin !== undefined) {
    void running.write(inputs.stdin);
    running.closeStdin();
  }
  void sayEnd(running, queue, async (ended) => {
    const end = endOf(request, ended, reader, redaction);
    const isHandedOn = request.output === 'lines' && end.output !== undefined;
    await record.finish(isHandedOn ? 'the output of this task' : undefined);
    return end;
  });
  return { events: queue.events, cancel, pid: running.identity.pid };
}

function endOf(
  request: CommandTurnRequest,
  ended: Ended,
  reader: OutputReader,
  redaction: Redaction,
): TurnEnded {
  // What was stopped has printed a part only: nothing of it may pass for its output.
  const { output, fault } = ended.reason === 'exited' ? reader.read() : {};
  const verdict = judgeCommand(request, ended, fault);
  const error = verdict.error;
  return {
    kind: 'end',
    outcome: verdict.outcome,
    ...(error === undefined ? {} : { error: { ...error, message: redaction.text(error.message) } }),
    summary: lastPart(redaction.text(ended.stdout.text.trimEnd()), 2000),
    ...(output === undefined ? {} : { output: redaction.value(output) }),
    denials: [],
    usage: noUsage,
    usd: 0,
    turns: 0,
    exit: { code: ended.code, signal: ended.signal },
    durationMs: ended.durationMs,
    left: ended.survivors.length,
  };
}

interface CommandVerdict {
  readonly outcome: TurnOutcome;
  readonly error?: TurnError;
}

function judgeCommand(
  request: CommandTurnRequest,
  ended: Ended,
  fault: string | undefined,
): CommandVerdict {
  const { command } = request;
  const name = oneLine('shell' in command ? command.shell : command.argv.join(' '), 100);
  switch (ended.reason) {
    case 'cancelled':
      return stopped('cancelled', 'cancelled', `${name} was cancelled.`);
    case 'timed_out':
      return stopped('timed_out', 'wall_time', `${name} ran longer than allowed.`);
    case 'stalled':
      return stopped('stalled', 'idle_time', `${name} was silent for longer than allowed.`);
    case 'output_limit':
      return stopped(
        'failed',
        'output_limit',
        `${name} wrote a line that is longer than 16 MiB and was ended; that line is not on record. Let it write shorter lines, or into a file.`,
      );
    case 'lost':
      return stopped(
        'failed',
        'exit',
        `${name} was ended: the process that started it was killed.`,
      );
    case 'exited':
  }
  const said = oneLine(lastPart(ended.stderr.text.trimEnd(), 300), 300);
  const why = said === '' ? '' : ` It wrote: ${said}`;
  if (ended.code === null) {
    return stopped(
      'failed',
      'exit',
      `${name} was ended by signal ${ended.signal ?? 'unknown'}.${why}`,
    );
  }
  if (ended.code !== 0 && request.expect !== 'any') {
    return stopped(
      'failed',
      'exit',
      `${name} ended with exit code ${ended.code}, expected 0.${why}`,
    );
  }
  if (fault !== undefined) return stopped('failed', 'output', `${name}: ${fault}.`);
  return { outcome: 'completed' };
}

function stopped(
  outcome: TurnOutcome,
  reason: TurnError['reason'],
  message: string,
): CommandVerdict {
  return { outcome, error: { reason, message } };
}
