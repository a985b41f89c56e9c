import { mkdir } from 'node:fs/promises';
import type { Graph } from '../graph/graph.js';
import { followInbox, inboxBytes } from '../journal/inbox.js';
import { createJournal, readJournal, takeJournal, type Journal } from '../journal/journal.js';
import { runLayout, type RunLayout } from '../journal/layout.js';
import { readRunPlan, writeRunPlan } from '../journal/run-plan.js';
import type { Agent, AgentProgress } from '../seams/agent.js';
import type { Clock, Ids } from '../seams/clock.js';
import type { Gate } from '../seams/gate.js';
import type { Owners } from '../seams/owner.js';
import type { Setup } from '../seams/setup.js';
import type { Workspace } from '../seams/workspace.js';
import type { Event } from '../state/event.js';
import type { RunState } from '../state/state.js';
import type { RunContext } from './context.js';
import { lead } from './lead.js';
import { reopen } from './reopen.js';
import { revise, staticTasks } from './revise.js';

/** Everything the coordinator needs from outside; core hands the real ones in. */
export interface CoordinatorParts {
  /** `<main worktree>/.orch`. */
  readonly orchDirectory: string;
  readonly agent: Agent;
  readonly workspace: Workspace;
  readonly gate: Gate;
  readonly setup: Setup;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly owners: Owners;
  /** Version of orch, recorded with the run. */
  readonly version: string;
}

/** What a caller sees of a run while it goes on. */
export interface RunObserver {
  readonly onEvent?: (event: Event, state: RunState) => void;
  readonly onProgress?: (task: string, attempt: number, progress: AgentProgress) => void;
  /** Something that a person should know and that does not stop the run. One sentence, and what it means for the run. */
  readonly onProblem?: (problem: string) => void;
  /** Aborting stops cleanly: agents end, the journal says what is to be continued. */
  readonly stop?: AbortSignal;
}

export interface StartOptions extends RunObserver {
  readonly graph: Graph;
  readonly base: string;
  readonly branch: string | null;
  readonly mode: 'run' | 'rehearsal';
  readonly parallel: number;
}

export interface ResumeOptions extends RunObserver {
  readonly run: string;
  readonly takeOver?: boolean;
  /** An edited plan. Tasks whose key is unchanged keep their result. */
  readonly revised?: Graph;
  /** Attempts at once under the edited plan. Default: as before. */
  readonly parallel?: number;
}

export interface Coordinator {
  /** Runs a plan to its end (or to `stop`). @throws CoordinatorError, and whatever the parts throw */
  start(options: StartOptions): Promise<RunState>;
  /** Goes on with a run, whoever led it before. An ended run with failures is opened again. */
  resume(options: ResumeOptions): Promise<RunState>;
}

/** Builds the coordinator of one repository. */
export function createCoordinator(parts: CoordinatorParts): Coordinator {
  return {
    async start(options) {
      const { graph, mode, base, branch, parallel } = options;
      const run = parts.ids.run(parts.clock.now());
      const layout = runLayout(parts.orchDirectory, run);
      await mkdir(layout.directory, { recursive: true, mode: 0o700 });
      await writeRunPlan(layout, graph);
      const journal = await createJournal(
        { layout, clock: parts.clock, owners: parts.owners, onEvent: options.onEvent },
        {
          run,
          name: graph.name,
          plan: graph.hash,
          base,
          branch,
          mode,
          version: parts.version,
          parallel,
          tasks: staticTasks(graph),
        },
      );
      try {
        return await conduct(parts, layout, journal, graph, 0, options);
      } finally {
        await journal.close();
      }
    },
    async resume(options) {
      const layout = runLayout(parts.orchDirectory, options.run);
      const recorded = await readJournal(layout);
      if (
        recorded.outcome === 'succeeded' &&
        (!options.revised || options.revised.hash === recorded.plan)
      )
        return recorded;
      // A damaged plan is found before anything is taken, and given anew with an edited one.
      const known = options.revised ?? (await readRunPlan(layout));
      // Before we lead: what was asked of a leader until then was not asked of us.
      const since = await inboxBytes(layout).catch(() => 0);
      const { journal, before } = await takeJournal(
        { layout, clock: parts.clock, owners: parts.owners, onEvent: options.onEvent },
        { takeOver: options.takeOver ?? false },
      );
      try {
        await parts.agent.reap(options.run);
        if (known.hash !== journal.state().plan) {
          // A leader that died while it revised the plan has recorded the new one already; a damaged one is replaced.
          const old = await readRunPlan(layout).catch(() => known);
          await revise(contextOf(parts, old, journal, options), {
            graph: known,
            parallel: options.parallel,
            record: () => writeRunPlan(layout, known),
          });
        } else {
          if (options.revised) await writeRunPlan(layout, known);
          await reopen(journal, known, before, parts.workspace);
        }
        return await conduct(parts, layout, journal, known, since, options);
      } finally {
        await journal.close();
      }
    },
  };
}

async function conduct(
  parts: CoordinatorParts,
  layout: RunLayout,
  journal: Journal,
  graph: Graph,
  since: number,
  observer: RunObserver,
): Promise<RunState> {
  const closing = new AbortController();
  const cancel = new AbortController();
  const inbox = (async () => {
    for await (const record of followInbox(layout, closing.signal, since)) {
      if (Object.hasOwn(journal.state().commands, record.id)) continue;
      const { id, command, expired } = record;
      await journal.append({ type: expired ? 'command.expired' : 'command.received', id, command });
      if (!expired) cancel.abort();
    }
  })().catch((error: unknown) => {
    // A journal that refuses tells lead() itself.
    if (journal.failure()) return;
    observer.onProblem?.(
      `${layout.inbox} cannot be read, so \`orch cancel\` does not reach this run; Ctrl-C does: ` +
        (error instanceof Error ? error.message : String(error)),
    );
  });
  try {
    await lead({ ...contextOf(parts, graph, journal, observer), cancel: cancel.signal });
    return journal.state();
  } finally {
    closing.abort();
    await inbox;
  }
}

const contextOf = (
  parts: CoordinatorParts,
  graph: Graph,
  journal: Journal,
  observer: RunObserver,
): RunContext => ({
  ...parts,
  graph,
  journal,
  cancel: new AbortController().signal,
  deadline: new AbortController().signal,
  stop: observer.stop ?? new AbortController().signal,
  onProgress: observer.onProgress ?? (() => undefined),
});
