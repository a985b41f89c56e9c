import { Command, InvalidArgumentError } from 'commander';
import { exitCode } from './exit-codes.js';
import type { Screen } from './render/screen.js';
import { version } from './version.js';

const positive = (argument: string): number => {
  const value = Number(argument);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a whole number, 1 or more.');
  return value;
};

/** `--input name=value`, repeatable. */
const input = (
  argument: string,
  before: Record<string, string> | undefined,
): Record<string, string> => {
  const at = argument.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected name=value.');
  return { ...before, [argument.slice(0, at)]: argument.slice(at + 1) };
};

const json = ['--json', 'for programs: JSON on stdout'] as const;
const inputs = [
  '-i, --input <name=value>',
  'a value for an input of the plan (repeatable)',
  input,
] as const;
const parallel = ['-p, --parallel <n>', 'attempts at once', positive] as const;
const run = ['--run <run>', 'which run (default: the newest)'] as const;

const after = `
First steps:
  orch doctor                 what is here, and what is missing
  orch plan check orch.yaml   everything that is wrong with a plan
  orch rehearse orch.yaml     the whole run without credentials or tokens
  orch run orch.yaml          for real

Exit codes: 0 ok · 1 a task or gate failed · 2 usage or plan
  3 needs a person · 4 budget · 5 conflict · 6 provider · 7 environment
  8 led by another process · 130 interrupted or cancelled`;

/** Every verb and its flags. A verb's code is loaded when it is used. */
export function program(screen: Screen, done: (code: number) => void): Command {
  const orch = new Command('orch')
    .description('Run many coding agents on one repository: isolated, checked, resumable, merged.')
    .version(version)
    .configureOutput({
      writeOut: (text) => screen.line(text.trimEnd()),
      // Errors are reported where all errors are.
      writeErr: () => undefined,
    })
    .addHelpText('after', after);
  addRunning(orch, screen, done);
  addLooking(orch, screen, done);
  const group = (name: string, description: string): Command =>
    orch.command(name).description(description);
  addSessions(group('sessions', 'what agents said and did, here and in Claude Code'), screen, done);
  addPlan(group('plan', 'look at a plan, approve one; executes nothing'), screen, done);
  addConfig(group('config', 'what settings apply, and who set them'), screen, done);
  addHooks(group('hooks', 'programs of yours at events: what runs, and what may'), screen, done);
  // Run by orch.ts before anything of this is loaded; here for the help.
  orch
    .command('mcp [verb...]')
    .description('MCP servers: list, tools, call, doctor, search, add, record, replay, serve');
  // Run by main.ts before anything of this is loaded; here for the help.
  orch
    .command('hook <event>')
    .description('what Claude Code starts once `orch hooks install` was run');
  orch
    .command('doctor')
    .description('what is installed here, and what would apply')
    .option(...json)
    .action(async (flags: object) => {
      const { doctorCommand } = await import('./commands/doctor.js');
      done(await doctorCommand(screen, flags));
    });
  sayWhere(orch, 'orch', done);
  return orch;
}

/** A mistake knows the verb whose help describes what was meant. */
function sayWhere(command: Command, verb: string, done: (code: number) => void): void {
  command.exitOverride((error) => {
    // A group without a verb of its own: what there is, and not success.
    if (error.code === 'commander.help' && error.exitCode !== 0) {
      command.outputHelp();
      done(exitCode.usage);
    }
    throw Object.assign(error, { verb });
  });
  for (const inner of command.commands) sayWhere(inner, `${verb} ${inner.name()}`, done);
}

function addRunning(orch: Command, screen: Screen, done: (code: number) => void): void {
  orch
    .command('run <plan>')
    .description('run a plan with real agents')
    .option(...inputs)
    .option(...parallel)
    .option('-y, --yes', 'do not ask before money is spent')
    .option('--dry-run', 'show what would start, start nothing')
    .option(...json)
    .action(async (plan: string, flags: object) => {
      const { runCommand } = await import('./commands/run.js');
      done(await runCommand(screen, plan, flags));
    });
  orch
    .command('rehearse <plan>')
    .description('the same run against a scripted model: no credentials, no tokens')
    .option(...inputs)
    .option(...parallel)
    .option(
      '--script <file>',
      'what the model answers (default: rehearsal.yaml beside the plan, else improvised)',
    )
    .option(...json)
    .action(async (plan: string, flags: object) => {
      const { rehearseCommand } = await import('./commands/run.js');
      done(await rehearseCommand(screen, plan, flags));
    });
  orch
    .command('resume [run]')
    .description('go on where a run stopped, or try its failures again (default: the newest)')
    .option('--plan <file>', 'an edited plan: tasks whose question is unchanged keep their result')
    .option(...inputs)
    .option('--take-over', 'take the lead from a process that is stopped for good')
    .option(...json)
    .action(async (wanted: string | undefined, flags: object) => {
      const { resumeCommand } = await import('./commands/resume.js');
      done(await resumeCommand(screen, wanted, flags));
    });
  orch
    .command('cancel [run]')
    .description('stop a run for good (default: the newest)')
    .option(...json)
    .action(async (wanted: string | undefined, flags: object) => {
      const { cancelCommand } = await import('./commands/cancel.js');
      done(await cancelCommand(screen, wanted, flags));
    });
}

function addLooking(orch: Command, screen: Screen, done: (code: number) => void): void {
  orch
    .command('status [run]')
    .description('how a run stands (default: the newest)')
    .option('-a, --all', 'a line for each run')
    .option(...json)
    .action(async (wanted: string | undefined, flags: object) => {
      const { statusCommand } = await import('./commands/status.js');
      done(await statusCommand(screen, wanted, flags));
    });
  orch
    .command('logs <task>')
    .description('what was recorded of a task (default: its last attempt)')
    .option('-f, --follow', 'wait for it to start, and follow it until it has its verdict')
    .option(...run)
    .option('--attempt <n>', 'this attempt alone', positive)
    .option(...json)
    .action(async (task: string, flags: object) => {
      const { logsCommand } = await import('./commands/logs.js');
      done(await logsCommand(screen, task, flags));
    });
  orch
    .command('why <task>')
    .description('why a task ended as it did, and what to do next')
    .option(...run)
    .option(...json)
    .action(async (task: string, flags: object) => {
      const { whyCommand } = await import('./commands/why.js');
      done(await whyCommand(screen, task, flags));
    });
}

function addPlan(plan: Command, screen: Screen, done: (code: number) => void): void {
  plan
    .command('check <plan>')
    .description('everything that is wrong with it')
    .option(...inputs)
    .option(...json)
    .action(async (file: string, flags: object) => {
      const { planCheckCommand } = await import('./commands/plan.js');
      done(await planCheckCommand(screen, file, flags));
    });
  plan
    .command('explain <plan>')
    .description('what waits for what, and why')
    .option(...inputs)
    .option(...json)
    .action(async (file: string, flags: object) => {
      const { planExplainCommand } = await import('./commands/plan.js');
      done(await planExplainCommand(screen, file, flags));
    });
  plan
    .command('show <plan> <task>')
    .description('the prompt, tools and limits of a task')
    .option(...inputs)
    .option(...json)
    .action(async (file: string, task: string, flags: object) => {
      const { planShowCommand } = await import('./commands/plan.js');
      done(await planShowCommand(screen, file, task, flags));
    });
  plan
    .command('approve <plan>')
    .description('let programs start exactly this plan (orch mcp serve); asks, on a terminal alone')
    .option('--rehearsals', 'rehearsals only: nothing may be spent')
    .option(...inputs)
    .option(...json)
    .action(async (file: string, flags: object) => {
      const { planApproveCommand } = await import('./commands/plan-approvals.js');
      done(await planApproveCommand(screen, file, flags));
    });
  plan
    .command('approvals')
    .description('the plans of this repository that programs may start')
    .option(...json)
    .action(async (flags: object) => {
      const { planApprovalsCommand } = await import('./commands/plan-approvals.js');
      done(await planApprovalsCommand(screen, flags));
    });
  plan
    .command('revoke <hash>')
    .description('take an approval back')
    .option(...json)
    .action(async (hash: string, flags: object) => {
      const { planRevokeCommand } = await import('./commands/plan-approvals.js');
      done(await planRevokeCommand(screen, hash, flags));
    });
}

function addConfig(config: Command, screen: Screen, done: (code: number) => void): void {
  config
    .command('show')
    .description('every setting that applies; secrets are not shown')
    .option('--origin', 'with tier, file, line and column')
    .option(...json)
    .action(async (flags: object) => {
      const { configShowCommand } = await import('./commands/config.js');
      done(await configShowCommand(screen, flags));
    });
  config
    .command('explain <key>')
    .description('who set it, who lost, who was refused')
    .option(...json)
    .action(async (key: string, flags: object) => {
      const { configExplainCommand } = await import('./commands/config.js');
      done(await configExplainCommand(screen, key, flags));
    });
  config
    .command('check')
    .description('everything that is wrong with the settings of every tier')
    .option(...json)
    .action(async (flags: object) => {
      const { configCheckCommand } = await import('./commands/config.js');
      done(await configCheckCommand(screen, flags));
    });
  config
    .command('schema')
    .description('the JSON Schema of settings files, for editors')
    .action(async () => {
      const { configSchemaCommand } = await import('./commands/config.js');
      done(configSchemaCommand(screen));
    });
}

const prices = ['--prices <file>', 'JSON: prices that count before the built-in ones'] as const;

function addSessions(sessions: Command, screen: Screen, done: (code: number) => void): void {
  sessions
    .command('list')
    .description('a line for each session of runs and imports, newest first')
    .option('--run <run>', 'those of this run')
    .option('--imported', 'those that were imported')
    .option('--search <text>', 'where somebody said this, in any case')
    .option(...json)
    .action(async (flags: object) => {
      const { sessionsListCommand } = await import('./commands/sessions.js');
      done(await sessionsListCommand(screen, flags));
    });
  sessions
    .command('show <session>')
    .description('what was said and done (a name from the list, or the beginning of one)')
    .option(...json)
    .action(async (wanted: string, flags: object) => {
      const { sessionsShowCommand } = await import('./commands/sessions.js');
      done(await sessionsShowCommand(screen, wanted, flags));
    });
  sessions
    .command('stats [session]')
    .description('tokens and cost by model (default: all sessions but those of rehearsals)')
    .option('--run <run>', 'those of this run')
    .option(...prices)
    .option(...json)
    .action(async (wanted: string | undefined, flags: object) => {
      const { sessionsStatsCommand } = await import('./commands/sessions.js');
      done(await sessionsStatsCommand(screen, wanted, flags));
    });
  sessions
    .command('export <session>')
    .description('as Markdown, on stdout')
    .option('-o, --output <file>', 'into a new file')
    .option(...prices)
    .option(...json)
    .action(async (wanted: string, flags: object) => {
      const { sessionsExportCommand } = await import('./commands/sessions.js');
      done(await sessionsExportCommand(screen, wanted, flags));
    });
  sessions
    .command('import [path]')
    .description(
      'conversations of Claude Code: a file or a directory (default: of this repository)',
    )
    .option(...json)
    .action(async (wanted: string | undefined, flags: object) => {
      const { sessionsImportCommand } = await import('./commands/sessions-import.js');
      done(await sessionsImportCommand(screen, wanted, flags));
    });
  sessions
    .command('clean')
    .description('remove sessions that were not written for some days; never of unfinished runs')
    .requiredOption('--days <n>', 'how long ago they were last written, at least', positive)
    .option('--dry-run', 'list what would go, remove nothing')
    .option('-y, --yes', 'do not ask')
    .option(...json)
    .action(async (flags: { readonly days: number }) => {
      const { sessionsCleanCommand } = await import('./commands/sessions-clean.js');
      done(await sessionsCleanCommand(screen, flags));
    });
}

const yes = ['-y, --yes', 'do not ask'] as const;
const events = (argument: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  argument,
];

function addHooks(hooks: Command, screen: Screen, done: (code: number) => void): void {
  hooks
    .command('list')
    .description('what runs, what does not, and why')
    .option(...json)
    .action(async (flags: object) => {
      const { hooksListCommand } = await import('./commands/hooks.js');
      done(await hooksListCommand(screen, flags));
    });
  hooks
    .command('approve <hook>')
    .description('let a hook of the project run: its event, matcher, arguments and bytes')
    .option(...yes)
    .option(...json)
    .action(async (id: string, flags: object) => {
      const { hooksApproveCommand } = await import('./commands/hooks.js');
      done(await hooksApproveCommand(screen, id, flags));
    });
  hooks
    .command('revoke <hook>')
    .description('take an approval back')
    .option(...json)
    .action(async (id: string, flags: object) => {
      const { hooksRevokeCommand } = await import('./commands/hooks.js');
      done(await hooksRevokeCommand(screen, id, flags));
    });
  hooks
    .command('test <event>')
    .description('run the hooks of an event; 1 if they block it')
    .option('--payload <json>', 'what they get (- reads it from stdin; default: {})')
    .option(...json)
    .action(async (event: string, flags: object) => {
      const { hooksTestCommand } = await import('./commands/hooks.js');
      done(await hooksTestCommand(screen, event, flags));
    });
  hooks
    .command('log')
    .description('what ran, newest last')
    .option('-n, --lines <n>', 'this many events', positive)
    .option(...json)
    .action(async (flags: object) => {
      const { hooksLogCommand } = await import('./commands/hooks.js');
      done(await hooksLogCommand(screen, flags));
    });
  hooks
    .command('install')
    .description(
      'let your own Claude Code sessions go through these hooks; shows the difference first',
    )
    .option('--event <event>', 'this event (repeatable; default: those that have hooks)', events)
    .option(...yes)
    .option(...json)
    .action(async (flags: object) => {
      const { hooksInstallCommand } = await import('./commands/hooks.js');
      done(await hooksInstallCommand(screen, flags));
    });
}
