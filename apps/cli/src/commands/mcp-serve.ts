import { serveOrch } from '@orch/core/mcp-server';
import { exitCode } from '../exit-codes.js';
import { neutral } from '../render/neutral.js';
import type { Screen } from '../render/screen.js';
import { UsageError } from '../usage-error.js';

const help = `Usage: orch mcp serve

orch as an MCP server over stdin and stdout, for the repository around the current directory:
  plan_check   what is wrong with a plan, its hash, and whether a person approved it
  run_start    starts an approved plan, or a rehearsal of it
  run_status, run_wait, run_cancel
  task_logs, run_diff

Let Claude Code use it:
  claude mcp add orch -- orch mcp serve

Nobody can approve a plan through it: orch plan approve PLAN, in a terminal of your own. What it started is stopped when
its client goes, and can be resumed. Inside a run of orch it starts and cancels nothing.`;

/** `orch mcp serve`: until the client goes, or a signal comes. */
export async function mcpServeCommand(screen: Screen, words: readonly string[]): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) {
    screen.line(help);
    return exitCode.ok;
  }
  const [unknown] = words;
  if (unknown !== undefined)
    throw new UsageError(
      `orch mcp serve takes no arguments, received ${JSON.stringify(unknown)}. Look at: orch mcp serve --help`,
    );
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(exitCode.interrupted);
      stop.abort();
    });
  await serveOrch({
    directory: process.cwd(),
    environment: process.env,
    input: process.stdin,
    output: process.stdout,
    signal: stop.signal,
    note: (text) => screen.note(neutral(text)),
  });
  return stop.signal.aborted ? exitCode.interrupted : exitCode.ok;
}
