import { project } from '../../tooling/vitest.js';

// A turn of the real Claude Code takes 2 s of processor time, and other packages test at the same time.
export default project('hooks', { testTimeout: 120_000 });
