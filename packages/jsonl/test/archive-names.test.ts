import { describe, expect, it } from 'vitest';
import { archiveName, archivesIn } from '../src/archive-names.js';

describe('rotated files', () => {
  it('are those with six digits, and from a million on with seven; others are not ours', () => {
    const ours = ['a.000001', 'a.000009.gz', 'a.999999', archiveName('a', 1_000_000)];
    const others = [
      'a.00001',
      'a.0000010',
      'a.20260101',
      'a.1764481234',
      'a.17644812345678901234',
      'a.000001.zst',
      'b.000001',
      'a.b.000001',
    ];
    expect(archivesIn([...others, ...ours], 'a').map(({ name }) => name)).toEqual(ours);
  });

  it('come with the one first that is not compressed, where one is there twice', () => {
    const names = ['a.000002.gz', 'a.000001.gz', 'a.000002', 'a.000001'];
    expect(archivesIn(names, 'a')).toEqual([
      { name: 'a.000001', number: 1, compressed: false },
      { name: 'a.000001.gz', number: 1, compressed: true },
      { name: 'a.000002', number: 2, compressed: false },
      { name: 'a.000002.gz', number: 2, compressed: true },
    ]);
  });
});
