import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Vitest leaves one core to itself, which is half of a small machine; its own share is little.
  test: {
    projects: ['packages/*', 'apps/*', 'test'],
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
