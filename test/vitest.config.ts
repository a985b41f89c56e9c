import { project } from '../tooling/vitest.js';

export default project('e2e', { testTimeout: 180_000, include: ['e2e/**/*.test.ts'] });
