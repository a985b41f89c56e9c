import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { afterAll } from 'vitest';
import { programs } from './scene.js';

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));

/**
 * Bundles a program of `test/programs` with this package, as an application would be; returns its path. It lies where
 * it finds what the package depends on. Call it while test files load; it is removed after the file's tests.
 */
export async function bundle(name: string): Promise<string> {
  mkdirSync(modules, { recursive: true });
  const directory = mkdtempSync(join(modules, '.bundle-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  await build({
    config: false,
    entry: { program: join(programs, name) },
    outDir: directory,
    format: ['esm'],
    outExtension: () => ({ js: '.mjs' }),
    target: 'node20',
    platform: 'node',
    silent: true,
    dts: false,
    noExternal: [/^@orch\//],
    esbuildOptions(options) {
      options.conditions = ['@orch/source'];
    },
  });
  return join(directory, 'program.mjs');
}
