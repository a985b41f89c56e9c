import { quote } from './describe.js';
import type { Plan } from './plan.js';
import type { Report } from './problem.js';
import { listTasks } from './task-list.js';

/** Warns of gates and agents that nothing uses: most often a name that was forgotten in a task. */
export function findUnused(plan: Plan, report: Report): void {
  const { document, locations } = plan;
  const tasks = listTasks(document).map(({ task }) => task);
  const gates = new Set(
    [...tasks, ...(document.waves ?? [])].flatMap((owner) => owner.gates ?? []),
  );
  const agents = new Set([...tasks.map(({ agent }) => agent), document.defaults?.agent]);
  const warn = (section: 'gates' | 'agents', name: string): void => {
    const path = [section, name];
    const spot = locations.key(path);
    // A part is shared; a plan need not use all of it.
    if (spot.file !== plan.file) return;
    report.add(spot, path, {
      code: 'ORCH_PLAN_UNUSED',
      severity: 'warning',
      message: `nothing uses ${section === 'gates' ? 'the gate' : 'the agent'} ${quote(name)}`,
    });
  };
  for (const name of Object.keys(document.gates ?? {})) if (!gates.has(name)) warn('gates', name);
  for (const name of Object.keys(document.agents ?? {}))
    if (!agents.has(name)) warn('agents', name);
}
