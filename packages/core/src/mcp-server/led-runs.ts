import { openOrchestrator } from '../orchestrator.js';
import type { FoundPlan } from './plans.js';
import type { Desk } from './tool.js';

/** The runs that this server leads. They end with it, and can be resumed. */
export interface LedRuns {
  /** Resolves with the id of the run once it has begun; rejects with the reason if it could not begin. */
  start(
    plan: FoundPlan,
    options: { readonly rehearsal: boolean; readonly parallel: number | undefined },
  ): Promise<string>;
  /** Stops all of them cleanly; resolves when no process of them is left. */
  close(): Promise<void>;
}

/** `note` is told, for people, what no client hears. */
export function createLedRuns(desk: Desk, note: (text: string) => void): LedRuns {
  const stop = new AbortController();
  const leading = new Set<Promise<void>>();

  async function lead(
    { graph, script }: FoundPlan,
    options: { readonly rehearsal: boolean; readonly parallel: number | undefined },
    began: (run: string) => void,
  ): Promise<void> {
    const orchestrator = await openOrchestrator(desk);
    let id = '';
    try {
      if (!options.rehearsal) await orchestrator.requireAgents(graph);
      const state = await orchestrator.run({
        graph,
        stop: stop.signal,
        ...(options.rehearsal && { rehearsal: script }),
        ...(options.parallel !== undefined && { parallel: options.parallel }),
        onProblem: (problem) => note(`run ${id}: ${problem}`),
        onEvent(_event, { run }) {
          id = run;
          if (run !== '') began(run);
        },
      });
      if (state.status !== 'ended') note(`run ${id} was stopped. Go on with: orch resume ${id}`);
    } catch (error) {
      // Before it began, whoever asked is told.
      if (id === '') throw error;
      note(`run ${id} broke off: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await orchestrator.close();
    }
  }

  return {
    start(plan, options) {
      return new Promise((resolve, reject) => {
        const one: Promise<void> = lead(plan, options, resolve)
          .catch(reject)
          .finally(() => leading.delete(one));
        leading.add(one);
      });
    },
    async close() {
      stop.abort();
      await Promise.all(leading);
    },
  };
}
