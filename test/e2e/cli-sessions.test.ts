import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import {
  claudeProgram,
  jsonLines,
  orch,
  orchProgram,
  runDirectory,
  startOrch,
  type Finished,
} from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { until } from '../harness/witness.js';

let repository: TestRepository;
let model: TestModel;
beforeEach(async () => {
  repository = makeRepository();
  model = await startModel();
});
afterEach(async () => {
  await model.close();
  repository.remove();
});

const config = (): string => path.join(repository.home, 'claude');
const sessions = (...argv: string[]): Promise<Finished> =>
  orch(repository, ['sessions', ...argv], { env: { CLAUDE_CONFIG_DIR: config() } });

async function asJson<T>(...argv: string[]): Promise<T> {
  const { stdout, stderr } = await sessions(...argv, '--json');
  if (stdout === '') throw new Error(`orch sessions ${argv.join(' ')} said nothing: ${stderr}`);
  return JSON.parse(stdout) as T;
}

interface Stats {
  readonly models: readonly Record<string, unknown>[];
  readonly total: Record<string, number>;
  readonly unpriced: readonly unknown[];
  readonly sessions: number;
  readonly rehearsals: number;
}

/** The user's own Claude Code, with a configuration directory of their own; gives its result. */
async function claude(prompt: string, ...more: string[]): Promise<ClaudeResult> {
  const argv = ['-p', prompt, '--output-format', 'json', '--allowedTools', 'Bash', ...more];
  const running = promisify(execFile)(claudeProgram, argv, {
    cwd: repository.root,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: repository.home,
      CLAUDE_CONFIG_DIR: config(),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      ...model.env,
    },
  });
  running.child.stdin?.end();
  return JSON.parse((await running).stdout) as ClaudeResult;
}

interface ClaudeResult {
  readonly session_id: string;
  readonly total_cost_usd: number;
  readonly modelUsage: Readonly<Record<string, { inputTokens: number; outputTokens: number }>>;
}

const usage = (input: number, output: number, written: number, read: number) => ({
  input_tokens: input,
  output_tokens: output,
  cache_creation_input_tokens: written,
  cache_read_input_tokens: read,
});
/** What the model says, and what it says that it used: three blocks, so three lines of one message. */
const turns = [
  {
    blocks: [
      { thinking: 'Two commands will do.' },
      { text: 'I look around.' },
      { tool: 'Bash', input: { command: 'echo seen', description: 'look' } },
    ],
    usage: usage(1000, 200, 3000, 0),
  },
  { text: 'That was all. <b>Bold</b> claims.', usage: usage(10, 40, 500, 3000) },
];
const sent = { input: 1010, output: 240, written: 3500, read: 3000 };

describe('a conversation of the real Claude Code', () => {
  it('is taken in, and its tokens and cost are those that the model sent and Claude Code reckoned', async () => {
    const result = await claude(scripted(turns));
    const transcript = path.join(
      config(),
      'projects',
      repository.root.replaceAll(/[^A-Za-z0-9]/g, '-'),
      `${result.session_id}.jsonl`,
    );
    const before = readFileSync(transcript);
    const imported = await sessions('import');
    expect(imported.stdout).toMatch(new RegExp(`^imported +${result.session_id} `));
    expect(imported.stdout).not.toMatch(/damage|link/);
    expect(imported.code).toBe(0);
    expect(readFileSync(transcript).equals(before)).toBe(true);

    const stats = await asJson<Stats>('stats');
    const {
      inputTokens,
      outputTokens,
      cacheWrite5mTokens = 0,
      cacheWrite1hTokens = 0,
      cacheReadTokens,
      messages,
      usd,
    } = stats.total;
    expect({
      input: inputTokens,
      output: outputTokens,
      written: cacheWrite5mTokens + cacheWrite1hTokens,
      read: cacheReadTokens,
    }).toEqual(sent);
    expect(messages).toBe(turns.length);
    expect(model.requests).toHaveLength(turns.length);
    expect(usd).toBeCloseTo(result.total_cost_usd, 9);
    expect(stats.unpriced).toEqual([]);

    // Negative control: Claude Code wrote a line for each block, each with the usage of the message.
    const lines = (
      jsonLines(transcript) as { message?: { usage?: { input_tokens: number } } }[]
    ).map(({ message }) => message?.usage?.input_tokens ?? 0);
    expect(lines.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(sent.input);
  });

  it('goes on, and forks: what is copied counts once, and importing again takes in the rest', async () => {
    const first = await claude(scripted(turns));
    expect((await sessions('import')).stdout).toContain('imported');
    expect((await sessions('import')).stdout).toContain('unchanged');
    await claude(scripted(turns), '--resume', first.session_id);
    const fork = await claude(scripted(turns), '--resume', first.session_id, '--fork-session');
    expect(fork.session_id).not.toBe(first.session_id);
    const again = (await sessions('import')).stdout;
    expect(again).toMatch(new RegExp(`^replaced +${first.session_id} `, 'm'));
    expect(again).toMatch(new RegExp(`^imported +${fork.session_id} `, 'm'));
    expect(again).not.toMatch(/damage|link/);
    const { total } = await asJson<Stats>('stats');
    expect([total['inputTokens'], total['messages']]).toEqual([3 * sent.input, 3 * turns.length]);
    expect(model.requests).toHaveLength(3 * turns.length);
  });

  it('is listed, searched, shown and exported by the beginning of its name', async () => {
    const { session_id: id } = await claude(scripted(turns, 'Look around, please.'));
    await sessions('import');
    expect((await sessions('list')).stdout).toMatch(
      new RegExp(`^${id}  .*  imported  Look around`),
    );
    expect((await sessions('list', '--search', 'LOOK AROUND, P')).stdout).toContain(`${id} #`);
    const begin = id.slice(0, 6);
    const shown = (await sessions('show', begin)).stdout;
    expect(shown).toMatch(/ \? Look around.*→ Bash .*← seen.* That was all/s);
    const { stdout: markdown } = await sessions('export', begin);
    expect(markdown).toMatch(/^# Session .*## User .*## Tool call .*## Tool result .*## Tokens/s);
    expect((await sessions('export', begin, '-o', 'a.md')).code).toBe(0);
    expect(readFileSync(path.join(repository.root, 'a.md'), 'utf8')).toBe(markdown);
    const refused = await sessions('export', begin, '-o', 'a.md');
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('is there already'),
    ]);
    expect(readFileSync(path.join(repository.root, 'a.md'), 'utf8')).toBe(markdown);
  });

  it('has the cost of the prices that are given', async () => {
    const result = await claude(scripted(turns));
    await sessions('import');
    const rates = { input: 1e6, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 };
    const prices = Object.keys(result.modelUsage).map((name) => ({
      model: name,
      since: '2026-01-01',
      ...rates,
    }));
    repository.write({ 'prices.json': JSON.stringify({ prices }) });
    const { models } = await asJson<Stats>('stats', '--prices', 'prices.json');
    expect(models).toMatchObject([{ usd: sent.input, basis: 'given' }]);
    repository.write({ 'prices.json': '{"prices":[{"model":"x"}]}' });
    const wrong = await sessions('stats', '--prices', 'prices.json');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('prices[0].since')]);
  });
});

describe('sessions of runs', () => {
  const plan = (tasks: readonly unknown[]): void =>
    repository.write({ 'orch.yaml': JSON.stringify({ version: 1, name: 'verbs', tasks }) });
  const age = (file: string): void => utimesSync(file, 1, 1);
  const files = (): readonly string[] => {
    const directory = path.join(runDirectory(repository) ?? '', 'sessions');
    return existsSync(directory)
      ? readdirSync(directory).filter((name) => name.endsWith('.jsonl'))
      : [];
  };
  const sessionFile = (name: string): string =>
    path.join(runDirectory(repository) ?? '', 'sessions', name);

  it('are listed with those that were imported; rehearsals cost nothing and are marked', async () => {
    const [first, last] = turns;
    const write = { tool: 'Write', input: { file_path: `${here}/a.txt`, content: 'a\n' } };
    const blocks = [{ text: 'I write it down.' }, write];
    plan([{ id: 'ask', prompt: scripted([{ ...first, blocks }, last]) }]);
    await orch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });
    const run = path.basename(runDirectory(repository) ?? '');
    const listed = await asJson<readonly { name: string; live: boolean }[]>('list');
    expect(listed).toMatchObject([
      { name: `${run}/ask.1`, live: false, origin: 'recorded', rehearsal: false },
    ]);
    const [end] = (
      jsonLines(sessionFile('ask.1.jsonl')) as { kind: string; data: { usd: number } }[]
    ).filter(({ kind }) => kind === 'end');
    const { total } = await asJson<Stats>('stats', 'ask.1');
    expect([total['inputTokens'], total['outputTokens'], total['cacheReadTokens']]).toEqual([
      sent.input,
      sent.output,
      sent.read,
    ]);
    expect(total['usd']).toBeCloseTo(end?.data.usd ?? NaN, 9);
    await orch(repository, ['rehearse', 'orch.yaml']);
    expect((await sessions('list')).stdout).toMatch(/REHEARSAL/);
    const stats = await asJson<Stats>('stats');
    expect([stats.sessions, stats.rehearsals, stats.total['inputTokens']]).toEqual([
      1,
      1,
      sent.input,
    ]);
    expect((await sessions('stats')).stdout).toContain('1 session of rehearsals not counted');
  });

  it('are removed when they are old and said yes to, and never while their run goes on', async () => {
    const go = path.join(repository.home, 'go');
    plan([{ id: 'slow', sh: `while [ ! -e "${go}" ]; do sleep 0.05; done`, effect: 'none' }]);
    const running = startOrch(repository, ['run', 'orch.yaml', '--yes']);
    await until('the session is there', () => files().includes('slow.1.jsonl'));
    age(sessionFile('slow.1.jsonl'));
    const during = await sessions('clean', '--days', '30', '--yes');
    expect(during.stdout).toContain(
      'No session is older than 30 days. 1 session of unfinished runs',
    );
    expect(files()).toEqual(['slow.1.jsonl']);
    repository.shell(`touch '${go}'`);
    await running.finished;
    age(sessionFile('slow.1.jsonl'));

    const dry = await sessions('clean', '--days', '30', '--dry-run');
    expect(dry.stdout).toMatch(/slow\.1 .*last written 1970-01-01.*Nothing was removed/s);
    const unasked = await sessions('clean', '--days', '30');
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    expect(files()).toEqual(['slow.1.jsonl']);
    const done = await sessions('clean', '--days', '30', '--yes');
    expect(done.stdout).toMatch(/slow\.1 .*Removed 1 session/s);
    expect(files()).toEqual([]);
    expect((await orch(repository, ['status'])).code).toBe(0);
    const logs = await orch(repository, ['logs', 'slow']);
    expect([logs.code, logs.stderr]).toEqual([
      2,
      expect.stringContaining('its session was removed'),
    ]);
  });
});

describe('orch sessions', () => {
  it('says what there is when there is nothing, and what is wrong when something is', async () => {
    for (const verb of ['list', 'stats']) {
      const { code, stdout } = await sessions(verb);
      expect([code, stdout]).toEqual([0, expect.stringContaining('No sessions here')]);
    }
    expect(await asJson('list')).toEqual([]);
    const nothing = await sessions('import');
    expect([nothing.code, nothing.stderr]).toEqual([
      2,
      expect.stringContaining('no transcripts of Claude Code at'),
    ]);
    repository.write({ 'no-transcript.jsonl': '{"a":1}\n' });
    const wrong = await sessions('import', 'no-transcript.jsonl');
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('no line of it is a line of a Claude Code transcript'),
    ]);
    for (const argv of [
      ['show', 'none'],
      ['export', 'none'],
      ['stats', 'none'],
      ['clean'],
      ['clean', '--days', '0'],
      ['nonsense'],
      [],
    ]) {
      const { code, stderr, stdout } = await sessions(...argv);
      expect([argv, code]).toEqual([argv, 2]);
      expect(stderr + stdout).not.toContain('defect');
    }
    expect((await sessions('--help')).stdout).toMatch(/list.*show.*stats.*export.*import.*clean/s);
    expect(await asJson('list')).toEqual([]);
  });

  it('reports every damage of a transcript, takes in the rest, and goes on with the next one', async () => {
    const line = (uuid: string, parentUuid: string | null): string =>
      JSON.stringify({
        type: 'user',
        uuid,
        parentUuid,
        sessionId: 's',
        message: { content: `says ${uuid}` },
      });
    repository.write({
      'in/a.jsonl': `${line('a', null)}\n{"type":"user","uu${line('b', 'a')}\n\0\0\0${line('c', 'lost')}\n{"ty`,
      'in/b.jsonl': '{"no":"transcript"}\n',
      'in/c.jsonl': `${line('a', null)}\n`,
    });
    const { code, stdout } = await sessions('import', 'in');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /imported +a 3 lines.*damage: line 2.*glued.*damage: line 3.*nul_run.*torn_tail.*link: line 3: missing_parent lost/s,
    );
    expect(stdout).toMatch(/failed .*b\.jsonl.*imported +c 1 line/s);
    expect((await sessions('show', 'a')).stdout.match(/says [abc]/g)).toEqual([
      'says a',
      'says b',
      'says c',
    ]);
  });

  it('ends quietly when its reader goes away in the middle', async () => {
    const text = 'x'.repeat(2000);
    const lines = Array.from({ length: 3000 }, (_, n) =>
      JSON.stringify({
        type: 'user',
        uuid: `u${n}`,
        parentUuid: n === 0 ? null : `u${n - 1}`,
        message: { content: text },
      }),
    );
    repository.write({ 'long.jsonl': `${lines.join('\n')}\n` });
    await sessions('import', 'long.jsonl');
    for (const verb of ['show', 'export']) {
      const { stdout, stderr } = await promisify(execFile)(
        'bash',
        [
          '-c',
          `set -o pipefail; '${process.execPath}' '${orchProgram}' sessions ${verb} long | head -n 1`,
        ],
        { cwd: repository.root, env: { PATH: process.env['PATH'] ?? '', HOME: repository.home } },
      );
      expect(stdout.split('\n')).toHaveLength(2);
      expect(stderr).toBe('');
    }
  });
});
