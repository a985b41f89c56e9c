#!/usr/bin/env node
import { runHook } from '@orch/core/hook';

// Claude Code waits for `orch hook` at every event: it loads this file, and nothing of the rest.
if (process.argv[2] === 'hook')
  await runHook(process.argv.slice(3), process.env, () => import('@orch/core/hook-decide'));
else await import('./orch.js');
