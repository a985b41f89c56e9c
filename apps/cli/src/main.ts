#!/usr/bin/env node
import { runHook } from '@orch/core/hook';

// Claude Code waits for `orch hook` at every event: it loads this file, and nothing of the rest. It is built as a
// script, which cannot await here; what is rejected ends the process all the same.
if (process.argv[2] === 'hook')
  void runHook(process.argv.slice(3), process.env, () => import('@orch/core/hook-decide'));
else void import('./orch.js');
