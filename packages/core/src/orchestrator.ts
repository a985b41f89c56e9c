import { existsSync } from 'node:fs';
import path from 'node:path';
import { createClaudeDriver } from '@orch/agents';
import {
  createCoordinator,
  isDiskFull,
  runLayout,
  type AgentProgress,
  type CoordinatorParts,
  type Graph,
} from '@orch/coordinator';
import type { Event, RunState } from '@orch/coordinator/state';
import { formatProblem } from '@orch/config';
import type { ProcessOwner } from '@orch/process';
import type { AgentGateway } from './agent-servers/agent-gateway.js';
import { namedServers } from './agent-servers/named-servers.js';
import { CoreError } from './core-error.js';
import { explainDiskFull, namingFullDisks } from './disk-full.js';
import { createRunAgent, type RunAgent } from './parts/agent.js';
import { createGate, createSetup } from './parts/checks.js';
import { claudeCredentials, passedEnvironment } from './parts/environment.js';
import { clock, ids } from './parts/ids.js';
import { localOwners } from './parts/owners.js';
import { chooseParallelism } from './parallelism.js';
import {
  claudeDirectory,
  makeOrchDirectory,
  orchDirectory,
  repositoryKey,
  stateDirectory,
} from './places.js';
import { openStage, type Stage } from './rehearsal/stage.js';
import { recordedScript, recordScript, type RehearsalScript } from './rehearsal/script.js';
import { openRepository, type Repository } from './repository.js';
import { readGraph, readRun } from './status/runs.js';
import { readSettings, type OrchSettings } from './settings/read-settings.js';
import { createKeySource } from './settings/key-source.js';
import { version } from './version.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface OrchestratorOptions {
  /** A directory inside the user's repository. */
  readonly directory: string;
  /** Such as `process.env`. Only an allowlisted part of it reaches agents and gates. */
  readonly environment: Environment;
}

/** Calls that a screen makes of a run. */
export interface Watcher {
  readonly onEvent?: (event: Event, state: RunState) => void;
  readonly onProgress?: (task: string, attempt: number, progress: AgentProgress) => void;
  /** Something that does not stop the run and that a person should know now, in one sentence. */
  readonly onProblem?: (problem: string) => void;
  /** Aborting stops cleanly; the run can be resumed. */
  readonly stop?: AbortSignal;
}

export interface RunOptions extends Watcher {
  readonly graph: Graph;
  /** Overrides the plan's `limits.parallel`. */
  readonly parallel?: number;
  /** With it, the run is a rehearsal: a scripted model answers, nothing is spent. */
  readonly rehearsal?: RehearsalScript;
}

export interface ResumeRunOptions extends Watcher {
  readonly run: string;
  readonly takeOver?: boolean;
  /** An edited plan: tasks whose question is unchanged keep their result. */
  readonly revised?: Graph;
}

/** A wired orchestrator of one repository. */
export interface Orchestrator {
  readonly repository: Repository;
  /**
   * Looks for the agents that a plan needs, their credentials, and the MCP servers that they are handed, before anybody
   * is asked anything. Each server is started once, and ended.
   * @throws CoreError `ORCH_AGENT_MISSING`, `ORCH_CREDENTIALS_MISSING`, `ORCH_SERVER_CONFIG`, `_UNAPPROVED`, `_CHANGED`,
   * `_LOGIN`, `_FAILED`
   */
  requireAgents(graph: Graph): Promise<void>;
  /** How many attempts at once the plan asks for, or else the settings. */
  readonly parallelFor: (graph: Graph) => number | 'auto';
  run(options: RunOptions): Promise<RunState>;
  resume(options: ResumeRunOptions): Promise<RunState>;
  close(): Promise<void>;
}

/**
 * Opens the repository and wires what a run needs. Starts nothing.
 * @throws WorkspaceError for a directory that is no usable git repository
 */
export async function openOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const { environment } = options;
  const state = stateDirectory(environment);
  const repository = await openRepository(options.directory, environment);
  const orch = orchDirectory(repository.root);
  const loaded = await readSettings({ root: repository.root, environment });
  const settings = loaded.require();
  const passedOn = passedEnvironment(environment, settings.environment);
  const tellWarnings = (watcher: Watcher): void => {
    for (const problem of loaded.problems) watcher.onProblem?.(formatProblem(problem));
  };

  const tried = new Set<string>();

  /**
   * What makes the gateway of a run in which tasks name MCP servers, once all of these were found good. Nothing of
   * MCP is loaded for other plans.
   */
  async function gatewayFor(
    graph: Graph,
  ): Promise<((owner: ProcessOwner, runDirectory: string) => AgentGateway) | undefined> {
    const named = namedServers(graph);
    if (named.length === 0) return undefined;
    const place = { root: repository.root, directory: options.directory, state, environment };
    const { findServers, tryServers } = await import('./agent-servers/configured-servers.js');
    const { createAgentGateway } = await import('./agent-servers/agent-gateway.js');
    const found = findServers(named, place);
    if (!tried.has(graph.hash)) await tryServers(found, place);
    tried.add(graph.hash);
    return (owner, runDirectory) => createAgentGateway({ ...found, place, owner, runDirectory });
  }

  async function conduct<T>(
    run: string,
    graph: Graph,
    rehearsal: RehearsalScript | undefined,
    work: (parts: CoordinatorParts) => Promise<T>,
  ): Promise<T> {
    const layout = runLayout(orch, run);
    await makeOrchDirectory(orch);
    const gateway = await gatewayFor(graph);
    const stage = rehearsal ? await openStage(graph, rehearsal) : undefined;
    let agent: RunAgent | undefined;
    try {
      agent = await createRunAgent({
        ...(await agentAccess(graph, environment, stage, settings, loaded)),
        environment: passedOn,
        homes: path.join(state, 'homes', repositoryKey(repository.root), run),
        layout,
        run,
        rehearsal: stage !== undefined,
        ...(gateway ? { gateway: (owner) => gateway(owner, layout.directory) } : {}),
        ...(stage ? { onSession: stage.enter } : {}),
      });
      const checks = {
        owner: agent.owner,
        environment: passedOn,
        layout,
        rehearsal: stage !== undefined,
        redact: agent.redact,
      };
      return await work({
        orchDirectory: orch,
        agent,
        workspace: namingFullDisks(repository.workspaceOf(graph), [state, repository.root]),
        gate: createGate(checks),
        setup: createSetup(checks),
        clock,
        ids: { ...ids, run: () => run },
        owners: localOwners(),
        version,
      });
    } catch (error) {
      throw await explainDiskFull(error, layout, [layout.directory, state]);
    } finally {
      // A ledger that took no more has been told already.
      await agent?.close().catch((error: unknown) => {
        if (!isDiskFull(error)) throw error;
      });
      await stage?.close();
    }
  }

  function parallelFor({ limits }: Graph): number | 'auto' {
    return limits.parallel === 'auto' ? (settings.parallel ?? 'auto') : limits.parallel;
  }

  return {
    repository,
    parallelFor,
    async requireAgents(graph) {
      await agentAccess(graph, environment, undefined, settings, loaded);
      await gatewayFor(graph);
    },
    async run({ graph, parallel, rehearsal, ...watcher }) {
      const run = ids.run(clock.now());
      tellWarnings(watcher);
      return conduct(run, graph, rehearsal, async (parts) => {
        if (rehearsal) await recordScript(runLayout(orch, run).directory, rehearsal);
        return createCoordinator(parts).start({
          graph,
          base: repository.head.commit,
          branch: repository.head.branch,
          mode: rehearsal ? 'rehearsal' : 'run',
          parallel: parallel ?? chooseParallelism(parallelFor(graph)).parallel,
          ...watcher,
        });
      });
    },
    async resume({ run, revised, takeOver, ...watcher }) {
      tellWarnings(watcher);
      const record = await readRun(repository.root, run);
      const graph = revised ?? (await readGraph(record.layout));
      // A plan that is given anew may stand for one that cannot be read.
      const recorded = revised && (await readGraph(record.layout).catch(() => revised));
      // What the command line said at the start holds, until an edited plan says something else than the old one.
      const parallel =
        revised && revised.limits.parallel !== recorded?.limits.parallel
          ? chooseParallelism(revised.limits.parallel).parallel
          : undefined;
      const rehearsal =
        record.state.mode === 'rehearsal'
          ? await recordedScript(record.layout.directory)
          : undefined;
      return conduct(run, graph, rehearsal, (parts) =>
        createCoordinator(parts).resume({
          run,
          ...(revised ? { revised } : {}),
          ...(parallel === undefined ? {} : { parallel }),
          ...(takeOver === undefined ? {} : { takeOver }),
          ...watcher,
        }),
      );
    },
    close: () => repository.close(),
  };
}

/** Which Claude Code, with which credential; checked only when the plan needs it. */
async function agentAccess(
  graph: Graph,
  environment: Environment,
  stage: Stage | undefined,
  settings: OrchSettings,
  loaded: Awaited<ReturnType<typeof readSettings>>,
): Promise<{
  claudeExecutable: string | undefined;
  credentials: Record<string, string>;
  credentialsFile?: string;
}> {
  const needed = graph.nodes.some((node) => node.kind === 'task' && node.agent.driver === 'claude');
  if (!needed) return { claudeExecutable: undefined, credentials: {} };
  const explicit = environment['ORCH_CLAUDE'] ?? settings.claude?.executable;
  const detected = await createClaudeDriver(explicit ? { executable: explicit } : {}).detect(
    environment,
  );
  if (!detected.available || detected.executable === undefined) {
    throw new CoreError(
      'ORCH_AGENT_MISSING',
      `Claude Code cannot be used: ${detected.available ? 'its program was not found' : detected.reason}`,
    );
  }
  if (stage) {
    return {
      claudeExecutable: detected.executable,
      credentials: { ANTHROPIC_BASE_URL: stage.url, ANTHROPIC_API_KEY: 'rehearsal-needs-no-key' },
    };
  }
  const fromEnvironment = claudeCredentials(environment);
  const file = loginFile(environment);
  const asksHelper =
    settings.claude?.keyHelper !== undefined &&
    !Object.keys(fromEnvironment).some((name) => name !== 'ANTHROPIC_BASE_URL');
  const credentials = asksHelper
    ? { ...fromEnvironment, ANTHROPIC_API_KEY: await createKeySource(loaded, environment).key() }
    : fromEnvironment;
  const hasKey = Object.keys(credentials).some((name) => name !== 'ANTHROPIC_BASE_URL');
  if (!hasKey && !file) {
    throw new CoreError(
      'ORCH_CREDENTIALS_MISSING',
      'Claude Code has no credential here. Set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN (made by `claude setup-token`), or log in with `claude`, or give claude.keyHelper in your settings. ' +
        'To try a plan without one: orch rehearse',
    );
  }
  return {
    claudeExecutable: detected.executable,
    credentials,
    ...(hasKey || !file ? {} : { credentialsFile: file }),
  };
}

/** The file in which a login of Claude Code on Linux lies. */
export function loginFile(environment: Environment): string | undefined {
  const file = path.join(claudeDirectory(environment), '.credentials.json');
  return existsSync(file) ? file : undefined;
}
