#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { exitCode, exitCodeOf } from './exit-codes.js';
import { openScreen, type Screen } from './render/screen.js';
import { version } from './version.js';

const positive = (argument: string): number => {
  const value = Number(argument);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number, 1 or more');
  return value;
};

/** `--input name=value`, repeatable. */
const input = (argument: string, before: Record<string, string> | undefined): Record<string, string> => {
  const at = argument.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected name=value');
  return { ...before, [argument.slice(0, at)]: argument.slice(at + 1) };
};

function program(screen: Screen, done: (code: number) => void): Command {
  const orch = new Command('orch')
    .description('Run many coding agents on one repository: isolated, checked, recorded, resumable, merged.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => screen.raw(text), writeErr: (text) => screen.note(text.trimEnd()) })
    .showHelpAfterError('(orch --help shows what there is)')
    .addHelpText(
      'after',
      '\nExit codes: 0 ok · 1 a task or gate failed · 2 usage or plan · 3 needs a person · 4 budget · 5 conflict · 6 provider · 7 environment · 8 led by another process · 130 interrupted',
    );
  const json = ['--json', 'machine-readable output'] as const;
  const inputs = ['-i, --input <name=value>', 'a value for the plan’s inputs (repeatable)', input] as const;

  orch
    .command('run <plan>')
    .description('run a plan with real agents')
    .option(...inputs)
    .option('-p, --parallel <n>', 'attempts at once', positive)
    .option('-y, --yes', 'do not ask before money is spent')
    .option('--dry-run', 'show what would start, start nothing')
    .option(...json)
    .action(async (plan: string, flags: object) => done(await (await import('./commands/run.js')).runCommand(screen, plan, flags)));
  orch
    .command('rehearse <plan>')
    .description('the same run against a scripted model: no credentials, no tokens')
    .option(...inputs)
    .option('-p, --parallel <n>', 'attempts at once', positive)
    .option('--script <file>', 'what the model answers (default: rehearsal.yaml beside the plan, else improvised)')
    .option(...json)
    .action(async (plan: string, flags: object) => done(await (await import('./commands/run.js')).rehearseCommand(screen, plan, flags)));
  orch
    .command('resume [run]')
    .description('go on where a run stopped, or try its failures again (default: the newest)')
    .option('--plan <file>', 'an edited plan: tasks whose question is unchanged keep their result')
    .option(...inputs)
    .option('--take-over', 'take the lead from a process that is stopped for good')
    .option(...json)
    .action(async (run: string | undefined, flags: object) => done(await (await import('./commands/resume.js')).resumeCommand(screen, run, flags)));
  orch
    .command('status [run]')
    .description('how a run stands (default: the newest)')
    .option('-a, --all', 'a line for each run')
    .option(...json)
    .action(async (run: string | undefined, flags: object) => done(await (await import('./commands/status.js')).statusCommand(screen, run, flags)));
  orch
    .command('logs <task>')
    .description('what was recorded of a task')
    .option('-f, --follow', 'wait for more')
    .option('--run <run>', 'which run (default: the newest)')
    .option('--attempt <n>', 'which attempt (default: the last)', positive)
    .option(...json)
    .action(async (task: string, flags: object) => done(await (await import('./commands/status.js')).logsCommand(screen, task, flags)));
  orch
    .command('why <task>')
    .description('why a task ended as it did, and what to do next')
    .option('--run <run>', 'which run (default: the newest)')
    .option(...json)
    .action(async (task: string, flags: object) => done(await (await import('./commands/status.js')).whyCommand(screen, task, flags)));
  orch
    .command('cancel [run]')
    .description('stop a run for good (default: the newest)')
    .option(...json)
    .action(async (run: string | undefined, flags: object) => done(await (await import('./commands/status.js')).cancelCommand(screen, run, flags)));

  const plan = orch.command('plan').description('look at a plan; executes nothing');
  plan
    .command('check <plan>')
    .description('everything that is wrong with it')
    .option(...inputs)
    .option(...json)
    .action(async (file: string, flags: object) => done(await (await import('./commands/plan.js')).planCheckCommand(screen, file, flags)));
  plan
    .command('explain <plan>')
    .description('what waits for what, and why')
    .option(...inputs)
    .option(...json)
    .action(async (file: string, flags: object) => done(await (await import('./commands/plan.js')).planExplainCommand(screen, file, flags)));
  plan
    .command('show <plan> <task>')
    .description('the prompt, tools and limits of a task')
    .option(...inputs)
    .option(...json)
    .action(async (file: string, task: string, flags: object) => done(await (await import('./commands/plan.js')).planShowCommand(screen, file, task, flags)));

  orch
    .command('doctor')
    .description('what is installed here, and what would apply')
    .option(...json)
    .action(async (flags: object) => done(await (await import('./commands/doctor.js')).doctorCommand(screen, flags)));
  return orch;
}

/** Says what went wrong in one line with its code; what no code names is a defect and keeps its stack. */
function report(screen: Screen, error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  const { code, message, stack } = error as { code?: unknown; message?: unknown; stack?: unknown };
  if (typeof code === 'string' && typeof message === 'string') {
    screen.note(`${screen.style('red', 'orch')}: ${message}${code.startsWith('ORCH_') ? ` (${code})` : ''}`);
    return exitCodeOf(code);
  }
  screen.note(`${screen.style('red', 'orch')}: this is a defect of orch. Please report it with these lines:\n${String(stack ?? error)}`);
  return exitCode.environment;
}

const screen = openScreen();
try {
  process.exitCode = exitCode.ok;
  await program(screen, (code) => void (process.exitCode = code)).parseAsync();
} catch (error) {
  process.exitCode = report(screen, error);
}
