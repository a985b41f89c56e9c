import { describe, expect, it } from 'vitest';
import { useCompiledSource } from '../test/compile-source.js';
import { killWriters, type KillCount, type KillPlan } from '../test/kill-writers.js';
import { temporaryDirectory } from '../test/temporary-directory.js';

const compiled = useCompiledSource({ withPeers: true });

async function kill(plan: Pick<KillPlan, 'access' | 'rotateBytes'>): Promise<KillCount> {
  const count = await killWriters({
    module: compiled('index.js'),
    directory: temporaryDirectory()('.'),
    writers: 8,
    kills: 1000,
    leastBytes: 200,
    mostBytes: 2_000_000,
    killsPerFile: 40,
    ...plan,
  });
  const { kills, acknowledged, torn, rotated, lost } = count;
  console.log(
    `${plan.access}${plan.rotateBytes === undefined ? '' : ', rotated'}: ${kills} kills, ` +
      `${acknowledged} acknowledged, ${torn} torn lines, ${rotated} files rotated, ${lost.length} lost`,
  );
  return count;
}

describe('1,000 random kills of 8 writers of one file, records of 200 B to 2 MB', () => {
  it.each(['shared', 'locked', 'exclusive'] as const)(
    'lose no acknowledged record (%s)',
    async (access) => {
      const { lost, torn, acknowledged } = await kill({ access });
      expect(lost).toEqual([]);
      expect(acknowledged).toBeGreaterThan(1000);
      // They did hit writers in the middle of a line.
      expect(torn).toBeGreaterThan(0);
    },
  );

  it('lose no acknowledged record while the file is rotated every 3 MB (locked)', async () => {
    const { lost, rotated } = await kill({ access: 'locked', rotateBytes: 3_000_000 });
    expect(lost).toEqual([]);
    expect(rotated).toBeGreaterThan(100);
  });

  it('lose some where each record is one plain append (negative control)', async () => {
    const { lost } = await kill({ access: 'none' });
    expect(lost.length).toBeGreaterThan(0);
  });
});
