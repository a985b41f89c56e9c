#!/usr/bin/env node
/**
 * `orch-jsonl`: verify, repair, look at and count JSON Lines files. `--help` says all of it.
 *
 * @module
 */
import { help, parseCommand, UsageError } from './command/arguments.js';
import { createOutput, OutputClosed } from './command/output.js';
import { runCommand } from './command/run-command.js';
import { JsonlError } from './errors.js';

async function main(argv: readonly string[]): Promise<number> {
  const output = createOutput(process.stdout, process.stderr);
  const interrupted = new AbortController();
  try {
    const command = parseCommand(argv);
    if (command === 'help') {
      await output.print(help);
      return 0;
    }
    process.once('SIGINT', () => {
      process.exitCode = 130;
      interrupted.abort();
      // Repair removes what it has begun; everything else just ends.
      if (command.name !== 'repair') process.exit(130);
    });
    const code = await runCommand(command, output, interrupted.signal);
    return interrupted.signal.aborted ? 130 : code;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    // Whoever reads our output has seen enough: nothing went wrong with us.
    if (error instanceof OutputClosed) return error.code;
    if (error instanceof UsageError) {
      output.note(`${error.message}; see orch-jsonl --help`);
      return 2;
    }
    if (!JsonlError.isInstance(error)) throw error;
    output.note(error.message);
    return 7;
  }
}

process.exitCode = await main(process.argv.slice(2));
