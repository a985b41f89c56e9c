import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createProcessOwner } from '@orch/process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runClaudeTurn } from '../../src/claude/turn.js';
import { createClaudeDriver, type ClaudeDriverOptions } from '../../src/index.js';
import { readAll } from '../read-all.js';

const program = join(import.meta.dirname, '..', 'programs', 'ill-behaved.mjs');

function setUp(way: string, options: ClaudeDriverOptions = {}) {
  const root = fs.mkdtempSync(join(tmpdir(), 'orch-agents-'));
  const owner = createProcessOwner({ marker: `agents-test-${randomUUID()}` });
  onTestFinished(async () => {
    await owner.close();
    fs.rmSync(root, { recursive: true, force: true });
  });
  const driver = createClaudeDriver({ executable: program, ...options });
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  const request = {
    cwd: join(root, 'workspace'),
    env: { PATH: path, ILL_BEHAVED: way },
    configDirectory: join(root, 'claude'),
    prompt: 'Go.',
    limits: { wallMs: 60_000, graceMs: 100 },
  };
  fs.mkdirSync(request.cwd);
  return { owner, driver, request };
}

describe('a turn of a program that does not behave', () => {
  it('an answer stands although the program never exits, and nothing of it is left', async () => {
    const { owner, driver, request } = setUp('never exits', { lingerMs: 100 });
    const turn = await driver.start(request, { owner });
    const events = await readAll(turn.events);
    expect(events.at(-1)).toMatchObject({ outcome: 'completed', summary: 'done', left: 0 });
    expect(events.at(-2)).toMatchObject({ kind: 'notice', level: 'warning' });
    expect(await owner.left()).toEqual([]);
  });

  it('without the deadline after its answer it would stay until the wall limit', async () => {
    const { owner, driver, request } = setUp('never exits', { lingerMs: 60_000 });
    const limits = { wallMs: 3000, graceMs: 100 };
    const turn = await driver.start({ ...request, limits }, { owner });
    const end = (await readAll(turn.events)).at(-1);
    expect(end?.kind === 'end' && end.durationMs).toBeGreaterThan(2900);
    expect(end).toMatchObject({ outcome: 'completed' }); // only its exit was awaited
  });

  it('exit code 0 without a result is a failure', async () => {
    const { owner, driver, request } = setUp('exits without a result');
    const turn = await driver.start(request, { owner });
    const end = (await readAll(turn.events)).at(-1);
    expect(end).toMatchObject({ outcome: 'failed', usd: null, error: { reason: 'no_result' } });
  });

  it('has its end also where nothing can be made of it', async () => {
    const { owner, request } = setUp('exits without a result');
    const turn = await runClaudeTurn(
      {
        ...{ argv: [program], env: request.env, request, prompt: 'Go.', continuing: false },
        notices: [],
        redaction: {
          text: () => {
            throw new RangeError('too deep');
          },
          value: (value) => value,
        },
        patience: { lingerMs: 60_000, backgroundMs: 60_000, interruptMs: 60_000 },
      },
      { owner },
    );
    const end = (await readAll(turn.events)).at(-1);
    expect(end).toMatchObject({ outcome: 'failed', usd: null, exit: { code: 0 } });
    expect(end?.kind === 'end' && end.error?.message).toContain('too deep');
  });

  it('one that refuses to ask before tool calls is told nothing', async () => {
    const { owner, driver, request } = setUp('refuses to begin');
    const turn = await driver.start(request, { owner });
    const events = await readAll(turn.events);
    expect(events.at(-1)).toMatchObject({ outcome: 'failed', error: { reason: 'no_result' } });
    expect(events[0]).toMatchObject({ kind: 'notice', level: 'error' });
  });

  it('one that says nothing is ended at the wall limit', async () => {
    const { owner, driver, request } = setUp('says nothing');
    const limits = { wallMs: 500, graceMs: 100 };
    const turn = await driver.start({ ...request, limits }, { owner });
    const end = (await readAll(turn.events)).at(-1);
    expect(end).toMatchObject({ outcome: 'timed_out', left: 0 });
  });

  it('a shell command in the background does not keep an answered turn for ever', async () => {
    const { owner, driver, request } = setUp('leaves a shell command running', {
      backgroundMs: 100,
    });
    const turn = await driver.start(request, { owner });
    const events = await readAll(turn.events);
    expect(events.at(-1)).toMatchObject({ outcome: 'completed', left: 0 });
    const notice = events.at(-2);
    expect(notice?.kind === 'notice' && notice.text).toContain('1 of its background tasks');
  });

  it('a request that nobody serves is answered with an error', async () => {
    const { owner, driver, request } = setUp('asks for what nobody serves');
    const turn = await driver.start(request, { owner });
    const end = (await readAll(turn.events)).at(-1);
    const answer = end?.kind === 'end' ? (JSON.parse(end.summary) as object) : {};
    expect(answer).toMatchObject({ response: { subtype: 'error', request_id: 'r-1' } });
  });

  it('a reader that pauses loses nothing', async () => {
    const { owner, driver, request } = setUp('floods');
    const turn = await driver.start(request, { owner });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const events = await readAll(turn.events);
    expect(events.filter((event) => event.kind === 'notice').length).toBeGreaterThanOrEqual(20_000);
    expect(events.at(-1)).toMatchObject({ outcome: 'completed' });
  });

  it('leaving the loop cancels the turn', async () => {
    const { owner, driver, request } = setUp('never exits', { interruptMs: 50 });
    const turn = await driver.start(request, { owner });
    for await (const event of turn.events) if (event.kind === 'session.started') break;
    while ((await owner.left()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(() => turn.events[Symbol.asyncIterator]()).toThrow(/read once/);
  });

  it('an aborted signal cancels it, before the start and after', async () => {
    const { owner, driver, request } = setUp('says nothing', { interruptMs: 50 });
    const before = await driver.start(request, { owner, signal: AbortSignal.abort() });
    expect(before.pid).toBeUndefined();
    expect(await readAll(before.events)).toMatchObject([
      { kind: 'end', outcome: 'cancelled', usd: 0 },
    ]);

    const controller = new AbortController();
    const after = await driver.start(request, { owner, signal: controller.signal });
    controller.abort();
    expect((await readAll(after.events)).at(-1)).toMatchObject({ outcome: 'cancelled', left: 0 });
  });

  it('a program that cannot be started is a failed turn that names it', async () => {
    const { owner, request } = setUp('');
    const nowhere = createClaudeDriver({ executable: '/nowhere/claude' });
    const turn = await nowhere.start(request, { owner });
    expect(await readAll(turn.events)).toMatchObject([
      {
        outcome: 'failed',
        error: {
          reason: 'not_started',
          message: expect.stringContaining('/nowhere/claude') as string,
        },
      },
    ]);
    const program = join(request.cwd, 'claude');
    fs.writeFileSync(program, '#!/nowhere/interpreter\n', { mode: 0o755 });
    const broken = createClaudeDriver({ executable: program });
    const [end] = await readAll((await broken.start(request, { owner })).events);
    expect(end).toMatchObject({ outcome: 'failed', error: { reason: 'not_started' } });
  });
});
