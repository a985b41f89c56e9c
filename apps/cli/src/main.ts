#!/usr/bin/env node
// Claude Code waits for `orch hook` at every event: it loads nothing of the rest.
if (process.argv[2] === 'hook') {
  const { runHook } = await import('@orch/core/hook').catch((error: unknown) => {
    process.stderr.write(`orch hook could not be loaded: ${String(error)}\n`);
    return process.exit(2);
  });
  await runHook(process.argv.slice(3), process.env);
}
await import('./orch.js');
