import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bash, on, type Scene } from '../scene.js';

/**
 * Approves a guard, then runs it again and again while its file in the project is swapped for one that lets
 * everything through, at every moment of a run. Returns how often something else than the guard decided.
 * `unpinned`: runs the file of the project itself, as if there were no copy.
 */
export async function raceSwaps(scene: Scene, races: number, unpinned = false): Promise<number> {
  const good = '#!/bin/sh\necho "said by the guard" >&2\nexit 2\n';
  const file = scene.write('guard.sh', good);
  const hooks = on('PreToolUse', { type: 'command', argv: ['./guard.sh'] });
  const [entry] = [...(await scene.load(hooks, { tier: 'project' })).entries.values()];
  if (entry === undefined) throw new Error('no hook');
  const place = { project: scene.project, agentRoots: [scene.project], path: scene.path };
  scene.approvals.approve(await scene.approvals.propose(entry, place));
  const table = await scene.load(hooks, { tier: 'project' });
  const hooksToRun = unpinned
    ? table.hooks.map((hook) => ({ ...hook, argv: [file], files: [] }))
    : table.hooks;
  const engine = scene.engine({ ...table, hooks: hooksToRun });
  const put = (text: string): void => {
    const other = path.join(scene.project, 'next.sh');
    writeFileSync(other, text, { mode: 0o755 });
    renameSync(other, file);
  };
  let turn = 0;
  const race = { going: true };
  const swapping = (async () => {
    while (race.going) {
      turn += 1;
      put(turn % 2 === 0 ? good : '#!/bin/sh\nexit 0\n');
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  let others = 0;
  for (let count = 0; count < races; count += 1) {
    const outcome = await engine.dispatch('PreToolUse', bash);
    if (outcome.reason !== 'said by the guard' || outcome.results.length !== 1) others += 1;
  }
  race.going = false;
  await swapping;
  if (turn < races) throw new Error('the file was not swapped often enough');
  return others;
}
