import { describe, expect, it } from 'vitest';
import { setScene } from '../scene.js';
import { drawLayers } from './layers.js';
import { compareWithClaude } from './oracle.js';
import { canHideEtc } from './real-claude.js';

const seeds = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index);

describe('the merged settings are those of the real Claude Code', () => {
  it.each(seeds(1, 28))('layers drawn with seed %i', async (seed) => {
    const { ours, theirs } = await compareWithClaude(setScene().root, drawLayers(seed, false));
    expect(ours).toEqual(theirs);
  });

  it.runIf(canHideEtc).each(seeds(1001, 18))('layers and a policy, seed %i', async (seed) => {
    const { ours, theirs } = await compareWithClaude(setScene().root, drawLayers(seed, true));
    expect(ours).toEqual(theirs);
  });

  it('and the oracle sees a difference where there is one', async () => {
    const layers = { user: { model: 'a', permissions: { allow: ['Read'] } } };
    const { theirs } = await compareWithClaude(setScene().root, layers);
    const other = { ...layers, local: { model: 'b' } };
    const { ours } = await compareWithClaude(setScene().root, other);
    expect(ours).not.toEqual(theirs);
  });
});
