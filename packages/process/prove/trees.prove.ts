import { describe, expect, test } from 'vitest';
import { createProcessOwner, probeLevels } from '../src/index.js';
import { entrances } from '../src/probe-levels.js';
import type { Hold, Level } from '../src/level.js';
import { environment, startWitness, type Cleanup } from '../test/witness.js';

const visible = ['plain', 'setsid', 'daemon', 'deaf', 'stopped', 'orphan', 'emptied'];
const sly = ['renamed', 'subreaper', 'closed'];
/** Gone whenever it is looked for: at the level of a process group it mostly ends, but not for certain. */
const racing = ['chain'];
/** What a process group cannot see. */
const unseen = ['hidden', 'renamed-daemon'];
const trees = 500;
const sideBySide = 16;

const levels = await probeLevels();
/** The ways are looked for in the proof itself: where one is missing, its proof fails, and no other. */
const holds: (readonly [string, Level, () => Hold])[] = levels.all.flatMap((probe) =>
  probe.works ? [[probe.level, probe.level, () => probe.hold] as const] : [],
);
if (process.platform === 'linux') {
  // `node tooling/setup/bubblewrap.mjs` installs it.
  const bubblewrap = (): Hold => ({ level: 'pid namespace', enter: entrances.bubblewrap() });
  holds.push(['pid namespace of bubblewrap', 'pid namespace', bubblewrap]);
}

/** Runs one tree to its end, and hears the witness. */
async function endsAll(
  owner: ReturnType<typeof createProcessOwner>,
  shape: string,
  then: 'stay' | 'leave',
): Promise<string | undefined> {
  const cleanups: (() => void)[] = [];
  const clean: Cleanup = (one) => cleanups.unshift(one);
  const witness = await startWitness(clean);
  try {
    const argv = witness.hostile(then, shape);
    const started = await owner.start({ argv, cwd: '/', env: environment, graceMs: 500 });
    if (then === 'stay') {
      await witness.untilAlive(shape);
      void started.end();
    }
    const { survivors } = await started.ended;
    const seen = await witness.judge();
    return seen.gone && survivors.length === 0
      ? undefined
      : `${shape}, ${then}: ${JSON.stringify({ survivors, ...seen })}`;
  } finally {
    for (const one of cleanups) one();
  }
}

describe.each(holds)('%s', (name, level, holdOf) => {
  const shapes = [...visible, ...sly, ...(level === 'process group' ? [] : [...racing, ...unseen])];
  test(`${trees} hostile trees of ${shapes.length} shapes: 0 survivors`, async () => {
    const owner = createProcessOwner({
      marker: `prove-${process.pid}-${name.replaceAll(' ', '-')}`,
      hold: holdOf(),
    });
    const failed: string[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let tree = next; tree < trees; tree = next) {
        next += 1;
        const shape = shapes[tree % shapes.length] ?? 'plain';
        const problem = await endsAll(owner, shape, tree % 2 === 0 ? 'stay' : 'leave');
        if (problem !== undefined) failed.push(problem);
      }
    };
    await Promise.all(Array.from({ length: sideBySide }, worker));
    expect(next).toBe(trees);
    expect(failed).toEqual([]);
    expect(await owner.close()).toEqual([]);
  });
});

test.each(unseen)(
  'control: a process group does not see %s, and the witness does',
  async (shape) => {
    const owner = createProcessOwner({ marker: `prove-unseen-${process.pid}` });
    expect(await endsAll(owner, shape, 'leave')).toContain(`"ticking":["${shape}"]`);
    await owner.close();
  },
);
