import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcessOwner } from '@orch/process';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  AgentsError,
  createCommandDriver,
  type AgentEvent,
  type CommandTurnRequest,
  type TurnEnded,
} from '../../src/index.js';
import { readAll } from '../read-all.js';

function setUp() {
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'orch-agents-')));
  const owner = createProcessOwner({ marker: `agents-test-${randomUUID()}` });
  onTestFinished(async () => {
    await owner.close();
    fs.rmSync(root, { recursive: true, force: true });
  });
  const driver = createCommandDriver();
  async function run(
    command: CommandTurnRequest['command'],
    more: Partial<CommandTurnRequest> = {},
  ): Promise<{ events: AgentEvent[]; end: TurnEnded }> {
    const request = { cwd: root, env: { PATH: process.env['PATH'] ?? '' }, command, ...more };
    const turn = await driver.start(request, { owner });
    const events = await readAll(turn.events);
    const end = events.at(-1);
    if (end?.kind !== 'end') throw new Error('A turn must end with an end event.');
    return { events, end };
  }
  return { root, owner, driver, run };
}

describe('a turn of a command', () => {
  it('completes: its lines as they come, its cost known to be nothing', async () => {
    const { run } = setUp();
    const { events, end } = await run({
      argv: ['sh', '-c', 'echo one; echo two >&2; printf three'],
    });
    const said = events.flatMap((event) =>
      event.kind === 'output' ? [`${event.stream} ${event.text}`] : [],
    );
    expect(said.sort()).toEqual(['stderr two', 'stdout one', 'stdout three']);
    expect(end).toMatchObject({
      outcome: 'completed',
      summary: 'one\nthree',
      usd: 0,
      turns: 0,
      left: 0,
    });
    expect(end).not.toHaveProperty('output');
  });

  it('an argument vector is given to no shell; a shell text is', async () => {
    const { run } = setUp();
    expect((await run({ argv: ['echo', '$HOME; ls'] })).end.summary).toBe('$HOME; ls');
    const shell = await run({ shell: 'echo "$((1 + 1))"' });
    expect(shell.end.summary).toBe('2');
  });

  it('another exit code than 0 is a failure, unless any will do; a signal is one always', async () => {
    const { run } = setUp();
    const command = { shell: 'echo broken >&2; exit 3' };
    const { end } = await run(command);
    expect(end).toMatchObject({ outcome: 'failed', error: { reason: 'exit' }, exit: { code: 3 } });
    expect(end.error?.message).toContain('exit code 3, expected 0. It wrote: broken');
    expect((await run(command, { expect: 'any' })).end).toMatchObject({
      outcome: 'completed',
      exit: { code: 3 },
    });
    const killed = await run({ shell: 'kill -9 $$' }, { expect: 'any' });
    expect(killed.end).toMatchObject({
      outcome: 'failed',
      exit: { code: null, signal: 'SIGKILL' },
    });
  });

  it('hands inputs over on stdin, as files and as variables', async () => {
    const { root, run } = setUp();
    const inputs = {
      'the-plan': { steps: [1, 2] },
      title: 'a "b"\n$(c)',
      huge: 'x'.repeat(100_000),
    };
    const inputsDirectory = join(root, 'inputs');
    const script = `const fs = require('node:fs'); console.log(JSON.stringify({
      stdin: JSON.parse(fs.readFileSync(0, 'utf8')),
      file: JSON.parse(fs.readFileSync(process.env.ORCH_INPUTS + '/the-plan.json', 'utf8')),
      variables: [process.env.ORCH_INPUT_THE_PLAN, process.env.ORCH_INPUT_TITLE, process.env.ORCH_INPUT_HUGE ?? null],
    }))`;
    const { events, end } = await run(
      { argv: ['node', '-e', script] },
      { inputs, inputsDirectory, output: 'json' },
    );
    expect(end.output).toEqual({
      stdin: inputs,
      file: inputs['the-plan'],
      variables: ['{"steps":[1,2]}', inputs.title, null],
    });
    const notices = events.filter((event) => event.kind === 'notice');
    expect(notices.map((notice) => notice.text)).toEqual([
      expect.stringContaining('ORCH_INPUT_HUGE'),
    ]);
    expect(fs.statSync(join(inputsDirectory, 'title.json')).mode & 0o777).toBe(0o600);
  });

  it('a command that does not read its inputs is none the worse', async () => {
    const { root, run } = setUp();
    const inputs = { a: 'x'.repeat(1_000_000) };
    const { end } = await run(
      { argv: ['true'] },
      { inputs, inputsDirectory: join(root, 'inputs') },
    );
    expect(end.outcome).toBe('completed');
  });

  it('makes an output of stdout: lines, or JSON', async () => {
    const { run } = setUp();
    const lines = await run({ shell: 'printf "a\\n\\nb\\r\\n"' }, { output: 'lines' });
    expect(lines.end.output).toEqual(['a', '', 'b']);
    const json = await run({ shell: 'printf "{\\n \\"a\\": [1]}"' }, { output: 'json' });
    expect(json.end.output).toEqual({ a: [1] });
  });

  it('says where and why stdout is not JSON', async () => {
    const { run } = setUp();
    const text = async (shell: string) => (await run({ shell }, { output: 'json' })).end;
    const broken = await text('echo "{"; echo "  \\"a\\": oops }"');
    expect(broken).toMatchObject({ outcome: 'failed', error: { reason: 'output' } });
    expect(broken.error?.message).toContain('line 2, column 8');
    expect(broken.error?.message).toContain('oops');
    expect((await text('true')).error?.message).toContain('stdout is empty');
    expect((await text('echo "[1,"')).error?.message).toContain('ends too early');
    const long = await run({ shell: 'echo "[1,2,3]"' }, { output: 'json', outputBytes: 4 });
    expect(long.end.error?.message).toContain('4 bytes');
  });

  it.each([[[]], [['token-0123456789']]])(
    'hands no JSON on that is nested deeper than anything could read (secrets: %j)',
    async (secrets) => {
      const { run } = setUp();
      const nested = (levels: number) => ({
        argv: ['node', '-p', `"[".repeat(${levels}) + "]".repeat(${levels})`] as const,
      });
      const fine = await run(nested(1000), { output: 'json', secrets });
      expect(fine.end.outcome).toBe('completed');
      for (const levels of [1001, 20_000]) {
        const { end } = await run(nested(levels), { output: 'json', secrets });
        expect(end).toMatchObject({ outcome: 'failed', error: { reason: 'output' } });
        expect(end.error?.message).toContain('more than 1000 levels');
        expect(end).not.toHaveProperty('output');
      }
    },
  );

  it('limits and cancel() end it with all it started', async () => {
    const { owner, driver, root, run } = setUp();
    const shell = 'tail -f /dev/null & tail -f /dev/null';
    const timed = await run({ shell }, { limits: { wallMs: 300 } });
    expect(timed.end).toMatchObject({
      outcome: 'timed_out',
      error: { reason: 'wall_time' },
      left: 0,
    });
    const silent = await run({ shell }, { limits: { idleMs: 300 } });
    expect(silent.end).toMatchObject({ outcome: 'stalled', error: { reason: 'idle_time' } });
    const request = {
      cwd: root,
      env: { PATH: process.env['PATH'] ?? '' },
      command: { shell: `echo up; ${shell}` },
    };
    const turn = await driver.start(request, { owner });
    let end: AgentEvent | undefined;
    for await (const event of turn.events) {
      if (event.kind === 'output') turn.cancel();
      end = event;
    }
    expect(end).toMatchObject({ outcome: 'cancelled', left: 0 });
    expect(await owner.left()).toEqual([]);
  });

  it('a program that cannot be started is a failed turn that names it', async () => {
    const { run } = setUp();
    const { end } = await run({ argv: ['no-such-program'] });
    expect(end).toMatchObject({ outcome: 'failed', error: { reason: 'not_started' }, usd: 0 });
    expect(end.error?.message).toContain('no-such-program');
  });

  it('given secrets stand in no event and no output', async () => {
    const { run } = setUp();
    const command = { shell: 'echo "[\\"$TOKEN\\"]"; echo "$TOKEN" >&2; exit 1' };
    const env = { PATH: process.env['PATH'] ?? '', TOKEN: 'token-0123456789' };
    const open = await run(command, { env, output: 'json', expect: 'any' });
    expect(JSON.stringify(open)).toContain(env.TOKEN);
    const secrets = [env.TOKEN];
    const closed = await run(command, { env, output: 'json', expect: 'any', secrets });
    const failed = await run(command, { env, secrets });
    expect(JSON.stringify([closed, failed])).not.toContain(env.TOKEN);
    expect(closed.end.output).toEqual(['[redacted]']);
  });

  it.each([
    ['cwd', { cwd: 'here' }],
    ['command', { command: { shell: ' ' } }],
    ['inputs', { inputs: { '../x': 1 }, inputsDirectory: '/tmp/x' }],
    ['inputs', { inputs: { 'a-b': 1, a_b: 2 }, inputsDirectory: '/tmp/x' }],
    ['inputsDirectory', { inputs: { a: 1 } }],
    ['headBytes', { headBytes: -1 }],
    ['tailBytes', { tailBytes: NaN }],
  ] as const)('is refused when %s is not what it must be', async (field, more) => {
    const { run } = setUp();
    const error: unknown = await run({ argv: ['true'] }, more).catch((caught: unknown) => caught);
    expect(AgentsError.isInstance(error) && error.details['field']).toBe(field);
  });
});
