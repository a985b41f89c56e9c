import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'tsup';
import { afterAll, beforeAll, expect, it } from 'vitest';

const source = join(import.meta.dirname, '../src');
let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'jsonl-size-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Bytes of what a program carries that imports these names: minified, and compressed as well. */
async function sizeOf(names: string, entry: string): Promise<{ plain: number; packed: number }> {
  const program = join(directory, 'program.ts');
  writeFileSync(program, `export ${names} from '${join(source, entry)}';`);
  await build({
    entry: [program],
    outDir: join(directory, 'out'),
    config: false,
    tsconfig: join(source, '../tsconfig.json'),
    format: ['esm'],
    platform: 'node',
    target: 'node20',
    external: ['koffi'],
    minify: true,
    silent: true,
    clean: true,
    outExtension: () => ({ js: '.mjs' }),
  });
  const bundle = join(directory, 'out', 'program.mjs');
  const packed = gzipSync(readFileSync(bundle), { level: 9 }).length;
  return { plain: statSync(bundle).size, packed };
}

it.each([
  ['`openWriter`', '{ openWriter }', 'index.ts'],
  ['`read`', '{ read }', 'index.ts'],
  ['`readSync`', '{ readSync }', 'index.ts'],
  ['`follow`', '{ follow }', 'index.ts'],
  ['`verify` and `repair`', '{ verify, repair }', 'index.ts'],
  ['everything of the main entry', '*', 'index.ts'],
  ['everything of `/sessions`', '*', 'sessions/index.ts'],
])('what is imported with %s is as large as the README says', async (row, names, entry) => {
  const { plain, packed } = await sizeOf(names, entry);
  console.log(`${row}: ${plain} bytes, ${packed} compressed`);
  const readme = readFileSync(join(source, '../README.md'), 'utf8');
  const line = readme.split('\n').find((text) => text.startsWith(`| ${row} `)) ?? '';
  const stated = [...line.matchAll(/([\d.]+) KB/g)].map(([, number]) => Number(number) * 1000);
  expect(stated).toHaveLength(2);
  for (const [index, bytes] of [plain, packed].entries()) {
    expect(Math.abs(bytes / (stated[index] ?? 0) - 1)).toBeLessThan(0.05);
  }
});
