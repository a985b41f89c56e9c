import { describe, expect, it } from 'vitest';
import { fuzz } from './properties.js';
import { findLetThrough } from './slow-matching.js';

const seed = Number(process.env['ORCH_FUZZ_SEED'] ?? 1);

describe('what reads what others wrote', () => {
  it('neither throws nor pollutes on 100,000 inputs', () => {
    fuzz({ inputs: Number(process.env['ORCH_FUZZ_INPUTS'] ?? 100_000), seed });
  }, 600_000);

  it('lets no expression through that takes long', async () => {
    expect(await findLetThrough({ patterns: 60, seed, limitMs: 100 })).toEqual([]);
  });
});
