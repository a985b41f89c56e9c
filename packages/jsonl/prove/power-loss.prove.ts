import { describe, expect, it } from 'vitest';
import type { WriterOptions } from '../src/index.js';
import { acknowledging, play } from '../test/power-scenarios.js';

const rotate = { bytes: 60 };
const kinds: Readonly<Record<string, WriterOptions>> = {
  'batch, exclusive': { maxBatchBytes: 40 },
  'sync, exclusive': { durability: 'sync' },
  'batch, shared': { access: 'shared' },
  'batch, locked': { access: 'locked' },
  'batch, exclusive, rotated': { rotate },
  'batch, locked, rotated': { rotate, access: 'locked' },
  'batch, exclusive, rotated and compressed': { rotate: { ...rotate, compress: 'gzip' } },
};

describe('a power loss after every call of 20 random runs', () => {
  it.each(Object.entries(kinds))('loses no acknowledged record (%s)', async (name, options) => {
    let images = 0;
    let lost = 0;
    for (let run = 0; run < 20; run += 1) {
      const bursts = Array.from({ length: 6 }, () => 1 + Math.floor(Math.random() * 8));
      const result = await play(acknowledging(options, bursts));
      images += result.images;
      lost += result.lost;
    }
    console.log(`${name}: ${images} images of the disk, ${lost} acknowledged records lost`);
    expect(lost).toBe(0);
  });
});
