import { randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import {
  appendToLog,
  createHookEngine,
  loadHookTable,
  openApprovals,
  planInstall,
  readHookLog,
  safePath,
  writeTableSection,
  type Approval,
  type HookLogLine,
  type HookTable,
  type InstallPlan,
  type JsonObject,
  type Outcome,
  type PinPlace,
  type Proposal,
} from '@orch/hooks';
import { claudeTimeoutSeconds } from '@orch/hooks/program';
import { createProcessOwner } from '@orch/process';
import { CoreError } from '../core-error.js';
import { hooksDirectory } from '../hook/index.js';
import { findMainWorktree } from '../main-worktree.js';
import { claudeDirectory, stateDirectory } from '../places.js';
import { readHookLayers } from './read-hook-layers.js';

export interface HooksOptions {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The hooks that apply in a directory, and a person's say over them. */
export interface RepositoryHooks {
  /** The main worktree, or the directory where there is no repository. */
  readonly project: string;
  readonly table: HookTable;
  readonly approvals: {
    readonly approvals: readonly Approval[];
    readonly unreadable: readonly string[];
  };
  /** Reads what a hook runs. Throws `ORCH_HOOK_NOT_FOUND`, or rejects with `ORCH_HOOKS_UNPINNABLE`. */
  propose(id: string): Promise<Proposal>;
  approve(proposal: Proposal): Promise<Approval>;
  /** Throws `ORCH_HOOK_NOT_FOUND`. */
  revoke(id: string): Promise<Approval>;
  /** Runs the hooks of an event as a session would. */
  test(event: string, payload: JsonObject): Promise<Outcome>;
  log(most: number): readonly HookLogLine[];
  /** Works out how the user's own Claude Code would call `program` for events that have hooks here. */
  planInstall(program: readonly [string, ...string[]], events: readonly string[]): InstallPlan;
  /** Writes what `orch hook` reads. */
  publish(): Promise<void>;
}

/** Reads settings and approvals; runs nothing. */
export async function openRepositoryHooks({
  directory,
  environment,
}: HooksOptions): Promise<RepositoryHooks> {
  const project = await realpath((await findMainWorktree(directory)) ?? directory);
  const state = hooksDirectory(environment);
  const agentRoots = [project, path.join(stateDirectory(environment), 'workspaces')];
  const search = safePath(environment['PATH'] ?? '/usr/bin:/bin', agentRoots);
  const place: PinPlace = { project, agentRoots, path: search };
  const approvals = openApprovals({ directory: state, agentRoots });
  const { layers, policy } = await readHookLayers({ root: project, environment });
  const load = (): Promise<HookTable> => loadHookTable({ layers, policy, place, approvals });
  let table = await load();

  async function publish(): Promise<void> {
    table = await load();
    const isOfUser = ({ tier }: { readonly tier: string }): boolean =>
      tier === 'managed' || tier === 'user';
    const part = (ofUser: boolean) => ({
      hooks: table.hooks.filter((hook) => isOfUser(hook) === ofUser),
      refused: table.refused.filter((hook) => isOfUser(hook) === ofUser),
    });
    await writeTableSection(state, null, part(true), search);
    await writeTableSection(state, project, part(false), search);
  }

  return {
    project,
    get table() {
      return table;
    },
    get approvals() {
      return approvals.list();
    },
    propose(id) {
      const found = [...table.entries].filter(([one]) => id.length >= 4 && one.startsWith(id));
      const [only] = found;
      if (only === undefined || found.length > 1) throw notFound(id);
      return approvals.propose(only[1], place);
    },
    async approve(proposal) {
      const approval = approvals.approve(proposal);
      await publish();
      return approval;
    },
    async revoke(id) {
      const approval = approvals.revoke(id);
      if (approval === undefined) throw notFound(id);
      await publish();
      return approval;
    },
    async test(event, payload) {
      const owner = createProcessOwner({ marker: `hooks-${randomUUID()}` });
      const onOutcome = (outcome: Outcome): void => appendToLog(state, outcome);
      const engine = createHookEngine({
        table,
        owner,
        project,
        path: search,
        environment,
        onOutcome,
      });
      try {
        return await engine.dispatch(event, payload);
      } finally {
        await engine.close();
        await owner.close();
      }
    },
    log: (most) => readHookLog(state, most),
    planInstall(program, events) {
      const used = [...table.hooks, ...table.refused].flatMap(({ event }) => event ?? []);
      const wanted = events.length > 0 ? events : used.filter((event) => /^[A-Z]/.test(event));
      return planInstall({
        file: path.join(claudeDirectory(environment), 'settings.json'),
        events: [...new Set(wanted)],
        program,
        timeoutSeconds: claudeTimeoutSeconds,
      });
    },
    publish,
  };
}

function notFound(id: string): CoreError {
  return new CoreError(
    'ORCH_HOOK_NOT_FOUND',
    `There is no hook ${JSON.stringify(id)}, or there are several: expected the beginning of one name, 4 characters or more.`,
    { id },
    { next: 'orch hooks list' },
  );
}
