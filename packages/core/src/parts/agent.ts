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
import type {
  Agent,
  AgentDenial,
  AgentEnd,
  AgentRequest,
  AgentSettings,
  RunLayout,
} from '@orch/coordinator';
import { openSession, redactValues, sessionEnd } from '@orch/jsonl/sessions';
import { createProcessOwner, endLeftovers, type ProcessOwner } from '@orch/process';
import type { Admission, AgentGateway } from '../agent-servers/agent-gateway.js';
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
  /** Made for runs in which a task names MCP servers; their processes are the owner's. */
  readonly gateway?: (owner: ProcessOwner) => AgentGateway;
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
  const gateway = parts.gateway?.(owner);
  const homeOf = (request: AgentRequest): string => path.join(parts.homes, request.place);

  /** Lets an attempt in to the MCP servers of its task, if it has any. */
  async function admit(
    request: AgentRequest,
    signal: AbortSignal,
    refused: (denial: AgentDenial) => void,
  ): Promise<Admission | undefined> {
    if (gateway === undefined || request.agent.mcp === undefined) return undefined;
    try {
      return await gateway.admit(request, { home: homeOf(request), signal, refused });
    } catch (error) {
      // Who is stopped is not told of servers: the driver says that it was stopped, and starts nothing.
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  async function startTurn(
    request: AgentRequest,
    admission: Admission | undefined,
    signal: AbortSignal,
  ): Promise<Turn> {
    const limits = { wallMs: request.timeoutMs, idleMs: request.idleMs };
    const home = homeOf(request);
    const environment = {
      ...parts.environment,
      ORCH_RUN: request.run,
      ORCH_TASK: request.task,
      ORCH_ATTEMPT: String(request.attempt),
      ...request.env,
    };
    const kept = admission ? [...secrets, admission.token] : secrets;
    if (request.agent.driver === 'command') {
      const output = request.output;
      return command.start(
        {
          cwd: request.workspace,
          env: admission ? { ...environment, ORCH_MCP_CONFIG: admission.configFile } : environment,
          limits,
          secrets: kept,
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
        secrets: kept,
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
        ...allowOf(agent, admission),
        ...(admission ? { mcpConfigFile: admission.configFile } : {}),
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
      const refused: AgentDenial[] = [];
      let admission: Admission | undefined;
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
        const stop = AbortSignal.any([signal, unrecorded.signal]);
        const begin = async (): Promise<Turn> => {
          admission = await admit(request, stop, (denial) => {
            refused.push(denial);
            session.record('denied', { ...denial, by: 'gateway' });
            onProgress({ kind: 'denial', text: `refused: ${denial.tool}` });
          });
          return startTurn(request, admission, stop);
        };
        const turn = await begin().catch((error: unknown) =>
          error instanceof Error ? error : new Error(String(error)),
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
        // Whoever outlived the agent is locked out before its result counts.
        await admission?.end();
        const told = agentEnd(ended, request);
        const end = { ...told, denials: [...told.denials, ...refused] };
        await session.end(end);
        return end;
      } finally {
        await admission?.end();
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
      // Servers outlive attempts, and not the run: whatever is there after them is left.
      await gateway?.close();
      const survivors = await owner.left();
      return { count: survivors.length, level: owner.level };
    },
    async close() {
      try {
        await gateway?.close();
      } finally {
        await owner.close();
        await ledger.close();
      }
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

/** Of the gateway's tools an agent sees those that its task may use: they are allowed, and `deny` still beats that. */
function allowOf(
  { allow }: AgentSettings,
  admission: Admission | undefined,
): { readonly allow?: readonly string[] } {
  if (admission) return { allow: [...(allow ?? []), `mcp__${admission.server}`] };
  return allow ? { allow } : {};
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
