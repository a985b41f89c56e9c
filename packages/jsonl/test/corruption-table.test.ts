import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { corruptionTable, rows } from '../bench/corruption-table.js';
import { read, readAll, type Fault } from '../src/index.js';

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

/** Where something stands that is in no record, is no blank, and that no fault names. */
async function silentlyLost(bytes: Buffer, heed: (fault: Fault) => boolean): Promise<number[]> {
  const reader = read(Readable.from([bytes]));
  const named = new Uint8Array(bytes.length);
  for await (const { byteStart, byteEnd } of reader.entries()) named.fill(1, byteStart, byteEnd);
  for (const fault of reader.faults.filter(heed)) named.fill(1, fault.byteStart, fault.byteEnd);
  return [...named.keys()].filter(
    (at) => named[at] === 0 && ![10, 13, 32].includes(bytes[at] ?? 0),
  );
}

/** Whether every line is a record of its own as it stands. */
function isUndamaged(bytes: Buffer): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    for (const line of text.split('\n')) if (line !== '') JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

it('no row loses a whole record, alters one, or is silent about what it lost', async () => {
  const table = cells(await corruptionTable((bytes) => readAll(Readable.from([bytes])))).slice(1);
  expect(table.length).toBeGreaterThan(15);
  for (const [, name = '', ours = ''] of table) {
    const [found, whole] = /^(\d+)\/(\d+)/.exec(ours)?.slice(1) ?? [];
    expect(found, name).toBe(whole);
    expect(ours, name).not.toContain('altered');
  }
  let unnamed = 0;
  for (const [index, { name, bytes }] of rows.entries()) {
    expect(await silentlyLost(bytes, () => true), name).toEqual([]);
    // A line that others cannot read is named, also where nothing of it was lost.
    if (!isUndamaged(bytes)) expect(table[index]?.[2], name).toMatch(/`\w+`/);
    unnamed += (await silentlyLost(bytes, () => false)).length > 0 ? 1 : 0;
  }
  // Negative control: much of it would be silence without the faults.
  expect(unnamed).toBeGreaterThan(5);
  // Negative control: the same measure finds that others lose records.
  const others = table.map((row) => row.slice(3).join(' '));
  expect(others.filter((text) => /\b1\/3/.test(text)).length).toBeGreaterThan(1);
});
