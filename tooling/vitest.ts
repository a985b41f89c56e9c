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
      testTimeout: more.testTimeout ?? 20_000,
      hookTimeout: 30_000,
    },
  });
}
