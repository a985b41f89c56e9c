import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { here, startModel, type TestModel } from './model.js';
import { jsonLines, runDirectory, startOrch, type RunningOrch } from './orch.js';
import { makeRepository, type TestRepository } from './repository.js';
import { processesWith } from './witness.js';

const ofMcp = createRequire(path.resolve(import.meta.dirname, '../../packages/mcp/package.json'));
const filesystem = path.join(
  path.dirname(ofMcp.resolve('@modelcontextprotocol/server-filesystem/package.json')),
  'dist/index.js',
);
export const fault = path.join(
  path.dirname(ofMcp.resolve('./package.json')),
  'test/programs/fault-server.mjs',
);

export const run = ['run', 'orch.yaml', '--yes'];

export const write = {
  tool: 'Write',
  input: { file_path: `${here}/work.txt`, content: 'work\n' },
};

/** Waits for a file, as a command that an agent may run. */
export const wait = { 'wait.sh': '#!/bin/sh\nuntil [ -e "$1" ]; do sleep 0.05; done\n' };
export const waiting = (file: string) => ({
  tool: 'Bash',
  input: { command: `sh wait.sh ${file}` },
});

interface SessionRecord {
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface GatewayRecord {
  readonly type: string;
  readonly attempt?: string;
  readonly what?: string;
  readonly name?: string;
  readonly why?: string;
}

/** A repository and a model, anew for each test, with MCP servers and witnesses of what they and their agents do. */
export function useServersScene() {
  let repository: TestRepository;
  let model: TestModel;
  const started: RunningOrch[] = [];
  beforeEach(async () => {
    repository = makeRepository();
    model = await startModel({ record: 'full' });
  });
  afterEach(async () => {
    // Of a test that failed, the run would wait for ever, and a deaf server would stay.
    for (const { child } of started.splice(0)) child.kill('SIGKILL');
    for (const { pid } of processesWith('WITNESS', repository.home)) process.kill(pid, 'SIGKILL');
    await model.close();
    repository.remove();
  });

  const inHome = (...parts: string[]): string => path.join(repository.home, ...parts);

  const startRun = (): RunningOrch => {
    const running = startOrch(repository, run, { env: model.env });
    started.push(running);
    return running;
  };
  function plan(tasks: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): void {
    const value = { version: 1, name: 'servers', ...more, tasks };
    repository.write({ 'orch.yaml': JSON.stringify(value, null, 2) });
    repository.commit('A plan');
  }

  /** Servers that are the user's own, as Claude Code has them. */
  const configure = (servers: Readonly<Record<string, unknown>>): void =>
    writeFileSync(inHome('.claude.json'), JSON.stringify({ mcpServers: servers }));

  /** The real filesystem server, and a witness of every line that it is sent. Its processes carry `WITNESS`. */
  function filesServer(): Readonly<Record<string, unknown>> {
    mkdirSync(inHome('shared'), { recursive: true });
    return {
      command: 'sh',
      args: [
        ...['-c', 'tee -a "$1" | "$2" "$3" "$4"', 'sh', inHome('sent')],
        ...[process.execPath, filesystem, inHome('shared')],
      ],
      env: { WITNESS: repository.home },
    };
  }

  /** Calls of a tool, as its server itself got them. */
  const callsOf = (tool: string): number =>
    jsonLines(inHome('sent')).filter((line) => {
      const { method, params } = line as { method?: string; params?: { name?: string } };
      return method === 'tools/call' && params?.name === tool;
    }).length;

  const session = (task: string): readonly SessionRecord[] =>
    jsonLines(
      path.join(runDirectory(repository) ?? '', 'sessions', `${task}.1.jsonl`),
    ) as readonly SessionRecord[];
  const answersIn = (task: string): readonly string[] =>
    session(task).flatMap(({ kind, data }) =>
      kind === 'tool.returned' ? [String(data['text'])] : [],
    );

  const gatewayLog = (): readonly GatewayRecord[] =>
    jsonLines(
      path.join(runDirectory(repository) ?? '', 'gateway.jsonl'),
    ) as readonly GatewayRecord[];
  const refusals = () =>
    gatewayLog().flatMap(({ type, attempt, what, name, why }) =>
      type === 'refused' ? [[attempt, what, name ?? '', why]] : [],
    );

  /** What an attempt was let in with; undefined when it is not, or no longer. */
  function admission(
    task: string,
  ): { readonly directory: string; readonly token: string } | undefined {
    const homes = path.join(repository.state, 'homes');
    if (!existsSync(homes)) return undefined;
    const files = readdirSync(homes, { recursive: true, encoding: 'utf8' });
    const found = files.find((file) => file.endsWith(`/mcp.${task}.1/token`));
    if (found === undefined) return undefined;
    const file = path.join(homes, found);
    const token = readFileSync(file, 'utf8');
    return token === '' ? undefined : { directory: path.dirname(file), token };
  }

  return {
    /** Of the test that runs now. */
    now: () => ({ repository, model }),
    inHome,
    startRun,
    plan,
    configure,
    filesServer,
    callsOf,
    session,
    answersIn,
    refusals,
    admission,
  };
}
