import { Command, InvalidArgumentError } from 'commander';
import type { Host } from './host.js';
import { exitCode } from './report.js';

const positive = (argument: string): number => {
  const value = Number(argument);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
};
const several = (argument: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  argument,
];

const json = ['--json', 'for programs: JSON on stdout'] as const;
const config = [
  '--config <file>',
  'a file of servers that you trust (default: what Claude Code knows here)',
] as const;
const record = [
  '--record <file>',
  'write down what is said, as JSON Lines, in a new file',
] as const;
const replay = [
  '--replay <file>',
  'let the servers of a recording answer; starts nothing',
] as const;
const registry = ['--registry <url>', 'another registry than the public one'] as const;

const after = `
Exit codes: 0 ok · 1 the tool failed · 2 usage · 3 needs a person (approve, login) · 7 server or file · 130 interrupted`;

/** Every verb and its flags. A verb's code is loaded when it is used. */
export function program(host: Host, done: (code: number) => void): Command {
  const mcp = new Command(host.program)
    .description('Call, examine, find and record MCP servers.')
    .configureOutput({
      writeOut: (text) => host.line(text.trimEnd()),
      // Errors are reported where all errors are.
      writeErr: () => undefined,
    })
    .addHelpText('after', `${host.epilogue ?? ''}${after}`);
  addUsing(mcp, host, done);
  addLogins(mcp, host, done);
  addTrust(mcp, host, done);
  addFinding(mcp, host, done);
  addRecording(mcp, host, done);
  sayWhere(mcp, host.program, done);
  return mcp;
}

/** A mistake knows the verb whose help describes what was meant. */
function sayWhere(command: Command, verb: string, done: (code: number) => void): void {
  command.exitOverride((error) => {
    if (error.code === 'commander.help' && error.exitCode !== 0) {
      command.outputHelp();
      done(exitCode.usage);
    }
    throw Object.assign(error, { verb });
  });
  for (const inner of command.commands) sayWhere(inner, `${verb} ${inner.name()}`, done);
}

function addUsing(mcp: Command, host: Host, done: (code: number) => void): void {
  mcp
    .command('list')
    .description('the configured servers; starts nothing')
    .option(...config)
    .option(...json)
    .action(async (flags: object) => {
      const { listVerb } = await import('./list.js');
      done(await listVerb(host, flags));
    });
  mcp
    .command('tools [server]')
    .description('what can be called, with arguments (default: of every server)')
    .option(...config)
    .option(...record)
    .option(...replay)
    .option(...json)
    .action(async (server: string | undefined, flags: object) => {
      const { toolsVerb } = await import('./list.js');
      done(await toolsVerb(host, server, flags));
    });
  mcp
    .command('call <server> <tool> [arguments...]')
    .description('call a tool: key=text (by its schema also a number, …), key:=json')
    .option('--args <json>', 'all arguments as one JSON object; - reads it from stdin')
    .option('--timeout <seconds>', 'longest silence (default: 60)', positive)
    .option(...config)
    .option(...record)
    .option(...replay)
    .option(...json)
    .action(async (server: string, tool: string, words: readonly string[], flags: object) => {
      const { callVerb } = await import('./call.js');
      done(await callVerb(host, server, tool, words, flags));
    });
  mcp
    .command('doctor [servers...]')
    .description('start each server, ask what it has, end it, and explain what went wrong')
    .option(...config)
    .option(...json)
    .action(async (servers: readonly string[], flags: object) => {
      const { doctorVerb } = await import('./doctor.js');
      done(await doctorVerb(host, servers, flags));
    });
}

const port = (argument: string): number => {
  const value = Number(argument);
  if (Number.isInteger(value) && value > 0 && value < 65_536) return value;
  throw new InvalidArgumentError('Expected a port: 1 to 65535.');
};

function addLogins(mcp: Command, host: Host, done: (code: number) => void): void {
  mcp
    .command('login <server>')
    .description('log in to a server over HTTP or WebSocket (OAuth 2.1); keeps its tokens for you')
    .option('--no-browser', 'show the address only; do not start a browser')
    .option('--client-id <id>', 'a client that is registered (default: this one registers)')
    .option('--client-secret-file <file>', 'a file that holds the secret of that client')
    .option('--client-credentials', 'the client acts for itself; no person is asked')
    .option('--scope <scope>', 'what to ask for (repeatable; default: what is wanted)', several)
    .option('--port <port>', 'of the answer, on 127.0.0.1 (default: any)', port)
    .option('--timeout <seconds>', 'how long you may take (default: 300)', positive)
    .option(...config)
    .option(...json)
    .action(async (server: string, flags: { readonly browser: boolean }) => {
      const { loginVerb } = await import('./login.js');
      done(await loginVerb(host, server, flags));
    });
  mcp
    .command('logout <server>')
    .description('forget the tokens of a server, and take them back where they are from')
    .option(...config)
    .option(...json)
    .action(async (server: string, flags: object) => {
      const { logoutVerb } = await import('./login.js');
      done(await logoutVerb(host, server, flags));
    });
}

function addTrust(mcp: Command, host: Host, done: (code: number) => void): void {
  mcp
    .command('approve [servers...]')
    .description('show what servers of the project would run, and ask you; starts nothing')
    .option(...json)
    .action(async (servers: readonly string[], flags: object) => {
      const { approveVerb } = await import('./approve.js');
      done(await approveVerb(host, servers, flags));
    });
  mcp
    .command('revoke <id>')
    .description('take an approval back')
    .option(...json)
    .action(async (id: string, flags: object) => {
      const { revokeVerb } = await import('./approve.js');
      done(revokeVerb(host, id, flags));
    });
  mcp
    .command('pin <server>')
    .description('show what changed in what it says of itself, and ask you whether that is right')
    .option(...config)
    .option(...json)
    .action(async (server: string, flags: object) => {
      const { pinVerb } = await import('./approve.js');
      done(await pinVerb(host, server, flags));
    });
}

/** How many words stand behind `--`. Commander keeps what it was given, and tells no places. */
function countBehindDashes(command: Command): number {
  let root = command;
  while (root.parent !== null) root = root.parent;
  const { rawArgs = [] } = root as Command & { readonly rawArgs?: readonly string[] };
  const at = rawArgs.indexOf('--');
  return at === -1 ? 0 : rawArgs.length - at - 1;
}

const presetHelp = `
Presets, as in: add [name] --preset filesystem -- DIRECTORY
  filesystem -- DIRECTORY… · memory [-- FILE] · sequential-thinking · everything · github · github-npm
  serena -- PROJECT · cclsp -- CONFIG`;

function addFinding(mcp: Command, host: Host, done: (code: number) => void): void {
  mcp
    .command('search <text>')
    .description('servers of the registry with this in their name')
    .option('--most <n>', 'this many at most (default: 20)', positive)
    .option(...registry)
    .option(...json)
    .action(async (text: string, flags: object) => {
      const { searchVerb } = await import('./search.js');
      done(await searchVerb(host, text, flags));
    });
  mcp
    .command('add [name] [command...]')
    .description('configure a server: -- COMMAND…, --url, --from or --preset; starts nothing')
    .option('--from <server>', 'a server of the registry, by its name there (@VERSION)')
    .option('--preset <preset>', 'a well-known server, with what it needs after -- (see --help)')
    .option('--prefer <way>', 'of several ways to run it: remote or package')
    .option('--url <address>', 'a server over Streamable HTTP')
    .option('--sse', 'the address speaks the transport of before 2025')
    .option('--env <name=value>', 'a variable of the program (repeatable); ${NAME} stays', several)
    .option('--header <header>', "'Name: value' (repeatable); ${NAME} stays", several)
    .option('--force', 'replace a server of this name')
    .option(...registry)
    .option(...config)
    .option(...json)
    .addHelpText('after', presetHelp)
    .action(
      async (first: string | undefined, more: readonly string[], flags: object, add: Command) => {
        const { addVerb } = await import('./add.js');
        const words = first === undefined ? more : [first, ...more];
        const hasName = words.length > countBehindDashes(add);
        const name = hasName ? words[0] : undefined;
        done(await addVerb(host, name, hasName ? words.slice(1) : words, flags));
      },
    );
}

function addRecording(mcp: Command, host: Host, done: (code: number) => void): void {
  mcp
    .command('record <file> <server>')
    .description('be this server to a client (over stdin and stdout), and write down what is said')
    .option(...config)
    .action(async (file: string, server: string, flags: object) => {
      const { recordVerb } = await import('./record.js');
      done(await recordVerb(host, file, server, flags));
    });
  mcp
    .command('replay <file> [server]')
    .description('be a recorded server to a client (over stdin and stdout)')
    .action(async (file: string, server: string | undefined) => {
      const { replayVerb } = await import('./record.js');
      done(await replayVerb(host, file, server));
    });
}
