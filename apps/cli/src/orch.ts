import { exitCode } from './exit-codes.js';
import { openScreen } from './render/screen.js';
import { version } from './version.js';

const screen = openScreen();
const argv = process.argv.slice(2);
try {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) screen.line(version);
  else process.exitCode = await command(argv);
} catch (error) {
  const { reportError } = await import('./report-error.js');
  process.exitCode = reportError(screen, error, argv.includes('--json'));
}
// What could not be said to a full disk must not look like success.
process.once('exit', () => {
  if (screen.failure() && process.exitCode === exitCode.ok) process.exitCode = exitCode.environment;
});

/** Runs one verb. Resolves with what to exit with. */
async function command(words: readonly string[]): Promise<number> {
  if (words[0] === 'mcp') {
    const { mcpCommand } = await import('./commands/mcp.js');
    return mcpCommand(screen, words.slice(1));
  }
  const { program } = await import('./program.js');
  let code: number = exitCode.ok;
  try {
    const orch = program(screen, (result) => (code = result));
    if (words.length === 0) orch.outputHelp();
    else await orch.parseAsync(words, { from: 'user' });
  } catch (error) {
    const { helpShown } = await import('./report-error.js');
    if (!helpShown(error)) throw error;
  }
  return code;
}
