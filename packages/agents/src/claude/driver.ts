import { randomUUID } from 'node:crypto';
import type { AgentDriver, Turn, TurnContext } from '../driver.js';
import { createEventQueue } from '../event-queue.js';
import type { AgentEvent, Notice } from '../event.js';
import { createRedaction } from '../redaction.js';
import { endOfUnstarted } from '../process-end.js';
import { turnArguments } from './arguments.js';
import { prepareConfigDirectory } from './config-directory.js';
import { detectClaude } from './detection.js';
import { secretsOf, turnEnvironment } from './environment.js';
import { locateClaude, type Environment } from './executable.js';
import { checkRequest, type ClaudeTurnRequest } from './request.js';
import { readTranscript, type Transcript } from './transcript.js';
import { runClaudeTurn } from './turn.js';

export interface ClaudeDriverOptions {
  /** Path of the program. Default: `ORCH_CLAUDE`, else `claude` in `PATH`. */
  readonly executable?: string;
  /** Where `ORCH_CLAUDE` and `PATH` are looked up when a turn starts. Default `process.env`. */
  readonly environment?: Environment;
  /** How long the program may take to exit after its last answer. Default 30,000. */
  readonly lingerMs?: number;
  /** How long shell commands may go on in the background after its last answer. Default 600,000. */
  readonly backgroundMs?: number;
  /** How long it may take to stop by itself when it is cancelled. Default 2,000. */
  readonly interruptMs?: number;
}

/** Creates the driver of Claude Code, 2.1.150 or newer, which must be installed. */
export function createClaudeDriver(
  options: ClaudeDriverOptions = {},
): AgentDriver<ClaudeTurnRequest> {
  const { executable, environment = process.env } = options;
  const { lingerMs = 30_000, backgroundMs = 600_000, interruptMs = 2_000 } = options;

  async function start(request: ClaudeTurnRequest, context: TurnContext): Promise<Turn> {
    checkRequest(request);
    const located = await locateClaude(executable, environment);
    if ('missing' in located) return missingProgram(located.missing);
    const files = await prepareConfigDirectory(request);
    const { continues } = request;
    const transcript =
      continues && (await readTranscript(request.configDirectory, request.cwd, continues.session));
    const continuing = continues !== undefined && transcript !== undefined;
    const session = continuing ? continues.session : (request.session ?? randomUUID());
    return runClaudeTurn(
      {
        argv: [located.path, ...turnArguments(request, files, { session, continues: continuing })],
        env: turnEnvironment(request),
        request,
        prompt: messageOf(request, transcript),
        continuing,
        notices: continues === undefined || continuing ? [] : [lostTranscript(continues.session)],
        redaction: createRedaction([
          ...secretsOf(request.credentials ?? {}),
          ...files.secrets,
          ...(request.secrets ?? []),
        ]),
        patience: { lingerMs, backgroundMs, interruptMs },
      },
      context,
    );
  }

  return {
    name: 'claude',
    capabilities: {
      continues: true,
      structuredOutput: true,
      reportsCost: true,
      reportsDenials: true,
      interruptible: true,
    },
    detect: (where) => detectClaude(executable, where),
    start,
  };
}

/** What is said to the agent. */
function messageOf(
  { prompt, continues }: ClaudeTurnRequest,
  transcript: Transcript | undefined,
): string {
  if (continues === undefined) return prompt;
  const { original, owed } = continues;
  if (!transcript) return owed === undefined ? original : `${original}\n\n${owed}`;
  return owed === undefined || transcript.heard(owed) ? prompt : owed;
}

function lostTranscript(session: string): Notice {
  return {
    kind: 'notice',
    level: 'warning',
    text: `The transcript of session ${session} is gone: a new conversation starts with the original prompt.`,
  };
}

function missingProgram(missing: string): Turn {
  const queue = createEventQueue<AgentEvent>(() => undefined);
  const reason = `Claude Code could not be started: ${missing}. Install it, or set ORCH_CLAUDE to its path.`;
  void queue.push(endOfUnstarted(new Error(reason)));
  queue.close();
  return { events: queue.events, cancel: () => undefined, pid: undefined };
}
