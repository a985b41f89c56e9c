import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'tsup';
import { afterAll, beforeAll } from 'vitest';

const root = join(import.meta.dirname, '..');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
};

/** A program of this package, built from its sources for plain `node`. Once for a test file. */
export function useBuiltProgram(source: string): () => string {
  let directory = '';
  beforeAll(async () => {
    const modules = join(root, 'node_modules');
    mkdirSync(modules, { recursive: true });
    directory = mkdtempSync(join(modules, '.test-program-'));
    await build({
      config: false,
      entry: { program: join(root, source) },
      outDir: directory,
      format: ['esm'],
      outExtension: () => ({ js: '.mjs' }),
      platform: 'node',
      target: 'node20',
      silent: true,
      dts: false,
      noExternal: [/^@orch\//],
      // By itself tsup asks the package.json of the directory that the tests are run in.
      external: Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`)),
      esbuildOptions(options) {
        options.conditions = ['@orch/source'];
      },
    });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return () => join(directory, 'program.mjs');
}
