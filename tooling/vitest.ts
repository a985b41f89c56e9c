import { defineProject, type UserProjectConfigExport } from 'vitest/config';

const conditions = ['@orch/source', 'node', 'import', 'module', 'default'];

/** How every package is tested: from source (no build needed), each test file in its own process. */
export function project(
  name: string,
  more: { testTimeout?: number; include?: string[] } = {},
): UserProjectConfigExport {
  return defineProject({
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: conditions } },
    test: {
      name,
      include: more.include ?? ['test/**/*.test.ts'],
      // Ends what hangs; no test measures time, and a busy machine is slow.
      testTimeout: more.testTimeout ?? 90_000,
      hookTimeout: 90_000,
    },
  });
}
