import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'tsup';
import { afterAll } from 'vitest';
import { programs } from './witness.js';

/**
 * Bundles a program of `test/programs`, as an application that contains this package would be; returns its
 * path. Call it while test files load; the bundle is removed after the file's tests.
 */
export async function bundle(
  name: string,
  options: { minify?: boolean; keepNames?: boolean } = {},
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'process-bundle-'));
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  await build({
    entry: [join(programs, name)],
    outDir: directory,
    format: ['esm'],
    outExtension: () => ({ js: '.mjs' }),
    target: 'node20',
    platform: 'node',
    minify: options.minify ?? false,
    keepNames: options.keepNames ?? false,
    config: false,
    silent: true,
    dts: false,
  });
  return join(directory, basename(name).replace(/\.ts$/, '.mjs'));
}
