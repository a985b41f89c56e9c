/**
 * The verbs of `orch-mcp`, for other programs that offer them under a name of their own.
 *
 * ```ts
 * process.exitCode = await runMcp(process.argv.slice(2), processHost('orch-mcp'));
 * ```
 *
 * @module
 */
import type { Host } from './host.js';
import { exitCode, reportError } from './report.js';

export { processHost, type Host } from './host.js';

/** Runs one verb, and reports its errors. Resolves with what to exit with; nothing that was started is left. */
export async function runMcp(words: readonly string[], host: Host): Promise<number> {
  let code: number = exitCode.ok;
  try {
    const { program } = await import('./program.js');
    const mcp = program(host, (result) => (code = result));
    if (words.length === 0) mcp.outputHelp();
    else await mcp.parseAsync(words, { from: 'user' });
  } catch (error) {
    const { code: name, exitCode: exit } = error as { code?: unknown; exitCode?: unknown };
    const isHelp =
      name === 'commander.help' || (String(name).startsWith('commander.') && exit === 0);
    if (!isHelp) code = reportError(host, error, words.includes('--json'));
  }
  return code;
}
