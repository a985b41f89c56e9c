import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  createClaudeDriver,
  createCommandDriver,
  type AgentEvent,
  type Turn,
  type TurnEnded,
} from '@orch/agents';
import type { Agent, AgentEnd, AgentRequest, RunLayout } from '@orch/coordinator';
import { openSession, redactValues, sessionEnd } from '@orch/jsonl/sessions';
import { createProcessOwner, endLeftovers, type ProcessOwner } from '@orch/process';
import { openLedger, unfinishedProcesses } from './ledger.js';
import { deniedInput, progressOf, sessionRecord } from './session-events.js';
import { whatWasRecorded } from './unfinished-session.js';

export interface AgentParts {
  /** Environment that agents and commands get, without credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** Provider credentials, for agents only. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly credentialsFile?: string | undefined;
  readonly claudeExecutable: string | undefined;
  /** Where agents keep their own configuration, by place: `<state>/homes/<repository>/<run>`. */
  readonly homes: string;
  readonly layout: RunLayout;
  readonly run: string;
  /** Stamped into every session, so that it never passes for real work. */
  readonly rehearsal: boolean;
  /** Called when a conversation begins, before the agent can ask its model anything. */
  readonly onSession?: (session: string, request: AgentRequest) => void;
}

export interface RunAgent extends Agent {
  /** The owner of every process of this run; gates and setup start theirs through it too. */
  readonly owner: ProcessOwner;
  /** Takes the values of credentials out of what is recorded. */
  readonly redact: (text: string) => string;
  close(): Promise<void>;
}

/** The agents of one run: drivers on the outside, durable sessions on the inside. */
export async function createRunAgent(parts: AgentParts): Promise<RunAgent> {
  await mkdir(parts.layout.sessions, { recursive: true, mode: 0o700 });
  const ledger = await openLedger(parts.layout.directory);
  // One marker a leader: whoever closes ends what it started itself, never what another leader of this run did.
  const marker = `${parts.run}.${randomBytes(4).toString('hex')}`;
  await ledger.opened(marker);
  const owner = createProcessOwner({ marker, ledger });
  const secrets = Object.entries(parts.credentials)
    .filter(([name]) => name !== 'ANTHROPIC_BASE_URL')
    .map(([, value]) => value);
  const redact = redactValues(secrets);
  const command = createCommandDriver();

  async function startTurn(request: AgentRequest, signal: AbortSignal): Promise<Turn> {
    const limits = { wallMs: request.timeoutMs, idleMs: request.idleMs };
    const home = path.join(parts.homes, request.place);
    const environment = {
      ...parts.environment,
      ORCH_RUN: request.run,
      ORCH_TASK: request.task,
      ORCH_ATTEMPT: String(request.attempt),
      ...request.env,
    };
    if (request.agent.driver === 'command') {
      const output = request.output;
      return command.start(
        {
          cwd: request.workspace,
          env: environment,
          limits,
          secrets,
          command: commandOf(request),
          expect: request.agent.command?.expect ?? 'zero',
          inputs: request.inputs,
          inputsDirectory: path.join(home, `inputs.${request.attempt}`),
          ...(output
            ? { output: output.kind === 'lines' ? ('lines' as const) : ('json' as const) }
            : {}),
        },
        { owner, signal },
      );
    }
    if (parts.claudeExecutable === undefined) {
      throw new Error(
        'Claude Code was not found. Install it with `npm install -g @anthropic-ai/claude-code`, then look with `orch doctor`',
      );
    }
    const { agent, session } = request;
    return createClaudeDriver({ executable: parts.claudeExecutable }).start(
      {
        cwd: request.workspace,
        env: environment,
        limits,
        secrets,
        prompt: request.prompt,
        ...(session.mode === 'continue'
          ? {
              continues: {
                session: session.id,
                original: request.original,
                ...(request.owed === undefined ? {} : { owed: request.owed }),
              },
            }
          : { session: session.id }),
        configDirectory: path.join(home, 'claude'),
        project: agent.project,
        credentials: parts.credentials,
        ...(parts.credentialsFile === undefined ? {} : { credentialsFile: parts.credentialsFile }),
        ...(agent.allow ? { allow: agent.allow } : {}),
        ...(agent.deny ? { deny: agent.deny } : {}),
        ...(agent.tools ? { tools: agent.tools } : {}),
        ...(agent.model === undefined ? {} : { model: agent.model }),
        ...(agent.effort === undefined ? {} : { effort: agent.effort }),
        ...(agent.system === undefined ? {} : { systemPrompt: agent.system }),
        ...(agent.turns === undefined ? {} : { maxTurns: agent.turns }),
        ...(agent.usd === undefined ? {} : { maxUsd: agent.usd }),
        ...(request.output?.kind === 'schema' ? { outputSchema: request.output.schema } : {}),
      },
      { owner, signal },
    );
  }

  return {
    owner,
    redact,
    async run(request, { signal, onProgress }) {
      parts.onSession?.(request.session.id, request);
      const unrecorded = new AbortController();
      const session = await openSession(parts.layout.session(request.task, request.attempt), {
        redact,
        // What cannot be recorded must not be paid for.
        onFailure: () => unrecorded.abort(),
      });
      try {
        session.record('attempt', {
          ...(parts.rehearsal ? { stamp: 'REHEARSAL' } : {}),
          task: request.label,
          attempt: request.attempt,
          agent: request.agent.driver,
          session: request.session,
          ...(request.argv ? { argv: request.argv } : { prompt: request.prompt }),
        });
        await session.flush();
        const turn = await startTurn(request, AbortSignal.any([signal, unrecorded.signal])).catch(
          (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
        );
        if (turn instanceof Error) {
          const end = notStarted(request, turn);
          await session.end(end);
          return end;
        }
        let ended: TurnEnded | undefined;
        for await (const event of turn.events) {
          if (event.kind === 'session.started') parts.onSession?.(event.session, request);
          if (event.kind === 'end') ended = event;
          else record(session, event);
          const progress = progressOf(event, request.workspace);
          if (progress) onProgress(progress);
        }
        if (!ended)
          throw new Error(`The ${request.agent.driver} driver ended without an end event`);
        const end = agentEnd(ended, request);
        await session.end(end);
        return end;
      } finally {
        await session.close();
      }
    },
    async recover(_run, task, attempt) {
      const file = parts.layout.session(task, attempt);
      const end = (await sessionEnd(file)) as AgentEnd | undefined;
      return end ? { end, session: end.session } : whatWasRecorded(file);
    },
    async reap() {
      const { identities, markers } = await unfinishedProcesses(parts.layout.directory);
      let ended = 0;
      for (const other of markers.filter((candidate) => candidate !== marker)) {
        ended += (await endLeftovers({ marker: other, identities })).ended;
      }
      return ended;
    },
    async left() {
      const survivors = await owner.left();
      return { count: survivors.length, level: owner.level };
    },
    async close() {
      await owner.close();
      await ledger.close();
    },
  };
}

function record(
  session: { record(kind: string, data: unknown, raw?: unknown): void },
  event: AgentEvent,
): void {
  const { kind, data, raw } = sessionRecord(event);
  session.record(kind, data, raw);
}

function commandOf({
  argv = [],
  agent,
  label,
}: AgentRequest): { readonly argv: readonly [string, ...string[]] } | { readonly shell: string } {
  const [program, ...rest] = argv;
  if (program === undefined) throw new Error(`${label} has no command to run`);
  return agent.command?.shell ? { shell: program } : { argv: [program, ...rest] };
}

/** Nothing was asked of the agent. */
const notStarted = (request: AgentRequest, error: Error): AgentEnd => ({
  outcome: 'failed',
  error: error.message,
  summary: '',
  denials: [],
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
  usd: 0,
  turns: 0,
  session: request.session.id,
  exit: { code: null, signal: null },
  durationMs: 0,
  left: 0,
});

/** The driver's end in the coordinator's words. */
function agentEnd(ended: TurnEnded, request: AgentRequest): AgentEnd {
  return {
    outcome: ended.outcome,
    ...(ended.error ? { error: ended.error.message } : {}),
    summary: ended.summary,
    ...(ended.output === undefined ? {} : { output: ended.output }),
    denials: ended.denials.map((denial) => ({
      ...denial,
      input: deniedInput(denial.input, request.workspace),
    })),
    usage: ended.usage,
    usd: ended.usd,
    turns: ended.turns,
    session: ended.session ?? request.session.id,
    exit: ended.exit,
    durationMs: ended.durationMs,
    ...(ended.version === undefined ? {} : { version: ended.version }),
    left: ended.left,
  };
}
