import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { corruptionTable } from '../bench/corruption-table.js';
import { readAll } from '../src/index.js';

const cells = (table: string): string[][] =>
  table
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| -'))
    .map((line) => line.split('|').map((cell) => cell.trim()));

const readlineSplitsAtLineSeparators = Number(process.versions.node.split('.')[0]) >= 24;

it('the table of damage in the README is what reading with ourselves and the others gives', async () => {
  const table = cells(await corruptionTable((bytes) => readAll(Readable.from([bytes]))));
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, found = ''] = /<!-- corruption -->\n([^]*?)<!-- end -->/.exec(readme) ?? [];
  // As the README says below its table.
  const here = readlineSplitsAtLineSeparators
    ? found.replace(/(\| U\+2028 [^|]*\|[^|]*\| )2\/2( *)/, '$10/2 stopped')
    : found;
  expect(cells(here)).toEqual(table);
});

it('no row loses a whole record, alters one, or is silent about what it lost', async () => {
  const table = cells(await corruptionTable((bytes) => readAll(Readable.from([bytes])))).slice(1);
  expect(table.length).toBeGreaterThan(15);
  for (const [, name = '', ours = ''] of table) {
    const [found, whole] = /^(\d+)\/(\d+)/.exec(ours)?.slice(1) ?? [];
    expect(found, name).toBe(whole);
    expect(ours, name).not.toContain('altered');
  }
  // Negative control: the same measure finds that others lose records.
  const others = table.map((row) => row.slice(3).join(' '));
  expect(others.filter((text) => /\b1\/3/.test(text)).length).toBeGreaterThan(1);
});
