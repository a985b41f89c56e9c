import { describe, expect, it } from 'vitest';
import { fuzz, plantedPollution } from './properties.js';
import { findLetThrough } from './slow-matching.js';

const seed = 1;

// In a file of their own, and so in a process of their own: a planted pollution is a real one.
describe('negative controls of the fuzz', () => {
  it('a planted slow expression is found', async () => {
    const judge = (source: string): Promise<boolean> =>
      Promise.resolve(/\+\)\+/.test(source) && source.length < 20);
    const all = await findLetThrough({ patterns: 400, seed, limitMs: 100, judge });
    expect(all.length).toBeGreaterThan(0);
  });

  it('a planted pollution is found', () => {
    const found = ((): unknown => {
      try {
        fuzz({ inputs: 20_000, seed, parse: plantedPollution });
      } catch (error) {
        return (error as Error).cause;
      }
      return undefined;
    })();
    expect(String(found)).toContain('Object.prototype was changed');
  });
});
