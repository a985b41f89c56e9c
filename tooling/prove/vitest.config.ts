import { defineConfig } from 'vitest/config';

const conditions = ['@orch/source', 'node', 'import', 'module', 'default'];

/** The long versions of the tests, one file after another: each may use the whole machine. */
export default defineConfig({
  root: `${import.meta.dirname}/../..`,
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/prove/**/*.prove.ts', 'test/prove/**/*.prove.ts'],
    testTimeout: 60 * 60_000,
    hookTimeout: 10 * 60_000,
    fileParallelism: false,
  },
});
