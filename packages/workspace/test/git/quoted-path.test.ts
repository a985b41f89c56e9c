import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { pathBytes, pathText, quotePath } from '../../src/git/quoted-path.js';
import { git, makeWorld } from '../fixtures/world.js';

it('quotePath() and pathBytes() keep every byte', () => {
  fc.assert(
    fc.property(fc.uint8Array({ min: 1 }), (bytes) => {
      expect(pathBytes(quotePath(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
});

it('pathBytes() reads what git writes, for names that are no UTF-8 too', () => {
  const world = makeWorld({ a: '' });
  const names = ['plain', 'a b', 'tab\there', 'line\nend', 'quote"\\', 'é', '\x01\x7f'].map(
    (name) => Buffer.from(name),
  );
  names.push(Buffer.from([0x6c, 0x61, 0x74, 0xe9, 0x31]));
  for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${world.root}/`), name]), '');
  git(world.root, 'add', '--all');
  const listed = git(world.root, 'ls-files').split('\n').map(pathBytes);
  const sorted = (list: Buffer[]): string[] => list.map((name) => name.toString('hex')).sort();
  expect(sorted(listed)).toEqual(sorted([Buffer.from('a'), ...names]));
});

it('pathText() marks bytes that are no UTF-8', () => {
  expect(pathText('"lat\\351"')).toBe('lat\uFFFD');
});
