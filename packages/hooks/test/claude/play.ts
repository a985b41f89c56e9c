import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProcessOwner } from '@orch/process';
import { createScriptedModel } from '@orch/scripted-model';
import { runClaude } from './real-claude.js';
import type { Situation } from './situations.js';

export const behaviours = ['allow', 'block', 'crash', 'timeout', 'garbage'] as const;
export type Behaviour = (typeof behaviours)[number];

export const probe = path.resolve(import.meta.dirname, '../programs/probe.mjs');
const server = path.resolve(import.meta.dirname, '../programs/eliciting-server.mjs');

/** What can be seen of a run of Claude Code. */
export interface Seen {
  /** How often the hook was called. */
  readonly fired: number;
  /** What was done: a file that its tool made is there. */
  readonly done: boolean;
  /** How often the model was asked. */
  readonly asked: number;
  /** The model was told what the hook said. */
  readonly told: boolean;
  /** What tools gave back that was an error. */
  readonly toolErrors: number;
  /** What the person answered to the MCP server, as far as it knows. */
  readonly answered?: string;
  readonly compacted: boolean;
  readonly result: string;
  readonly code: number | null;
}

/** Plays a situation with one hook in the real Claude Code; `says`: instead of its behaviour, what it prints. */
export async function play(
  situation: Situation,
  behaviour: Behaviour,
  says?: string,
): Promise<Seen> {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'orch-differential-')));
  const [cwd, home, log] = ['work', 'home', 'log'].map((name) => path.join(root, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(path.join(home, '.claude'), { recursive: true });
  mkdirSync(cwd);
  for (const [name, text] of Object.entries(situation.files ?? {})) {
    mkdirSync(path.dirname(path.join(cwd, name)), { recursive: true });
    writeFileSync(path.join(cwd, name), text);
  }
  writeFileSync(log, '');
  const call = (event: string, how: string): object => ({
    hooks: [
      { type: 'command', command: process.execPath, args: [probe, event, how, log], timeout: 1 },
    ],
  });
  const saying = [
    '-c',
    'echo "{\\"event\\":\\"$1\\"}" >> "$2"; printf %s "$3"',
    'sh',
    situation.event,
    log,
    says,
  ];
  const own =
    says === undefined
      ? call(situation.event, behaviour)
      : { hooks: [{ type: 'command', command: '/bin/sh', args: saying }] };
  const hooks = {
    [situation.event]: [own],
    ...(situation.watch === true ? { SessionStart: [call('SessionStart', 'watch')] } : {}),
  };
  writeFileSync(path.join(home, '.claude', 'settings.json'), JSON.stringify({ hooks }));
  const mcp = { mcpServers: { t: { command: process.execPath, args: [server] } } };
  const model = createScriptedModel({ record: 'full' });
  const owner = createProcessOwner({ marker: `differential-${randomUUID()}` });
  try {
    const { url } = await model.listen();
    const script = JSON.stringify(situation.turns).replaceAll('CWD', cwd);
    const prompt = situation.prompt ?? `Do it. <<<SCRIPT ${script} SCRIPT>>>`;
    const allowed =
      situation.event === 'PermissionRequest'
        ? []
        : ['--allowedTools', 'Bash,Write,Agent,TaskCreate,TaskUpdate,mcp__t__ask'];
    const flags = [
      ...['--setting-sources', 'user,project', '--strict-mcp-config'],
      ...(situation.mcp === true ? ['--mcp-config', JSON.stringify(mcp)] : []),
      ...allowed,
      ...(situation.flags ?? []),
    ];
    let isChanged = false;
    const onEvent = ({ type }: Readonly<Record<string, unknown>>): void => {
      if (type !== 'assistant' || isChanged) return;
      isChanged = true;
      changeLater(cwd, situation.change ?? {});
    };
    const prompts = [prompt, ...(situation.then ?? [])];
    const place = { cwd, home, url, restMs: situation.restMs ?? 300 };
    const run = await runClaude(owner, place, prompts, flags, onEvent);
    const calls = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`{"event":"${situation.event}"`));
    const output = JSON.stringify(run.events);
    const results = run.events.filter(({ type }) => type === 'result');
    const last = results.at(-1) ?? {};
    const answered = /got (\w+)/.exec(output)?.[1];
    return {
      fired: calls.length,
      done: existsSync(path.join(cwd, 'done.txt')),
      asked: model.requests.length,
      told: JSON.stringify(model.requests).includes('said-by-the-probe'),
      toolErrors: output.split('"is_error":true').length - 1,
      ...(answered === undefined ? {} : { answered }),
      compacted: run.events.some(({ subtype }) => subtype === 'compact_boundary'),
      result: `${String(last['subtype'])} ${String(last['terminal_reason'])}`,
      code: run.code,
    };
  } finally {
    await owner.close();
    await model.close();
    rmSync(root, { recursive: true, force: true });
  }
}

/** Its watchers need a moment to be there. */
function changeLater(cwd: string, files: Readonly<Record<string, string>>): void {
  setTimeout(() => {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(cwd, name), text);
  }, 2000);
}
