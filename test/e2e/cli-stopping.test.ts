import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import {
  journalEvents,
  jsonLines,
  orch,
  runDirectory,
  startOrch,
  status,
} from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { closeTerminals, openTerminal } from '../harness/terminal.js';
import { processesWith, until } from '../harness/witness.js';

let repository: TestRepository;
let model: TestModel;
let go: string;

/** Two turns of the agent are answered before it waits: one task done, one agent and one command running. */
beforeEach(async () => {
  repository = makeRepository();
  model = await startModel();
  go = path.join(repository.home, 'go');
  plan('while [ ! -e "$GO" ]; do sleep 0.05; done; echo command > command.txt');
});
afterEach(async () => {
  writeFileSync(go, '');
  await closeTerminals();
  await model.close();
  repository.remove();
});

function plan(command: string): void {
  const value = {
    version: 1,
    name: 'stopping',
    limits: { parallel: 4 },
    tasks: [
      { id: 'first', sh: 'echo first > first.txt', effect: 'diff' },
      {
        id: 'agent',
        needs: ['first'],
        prompt: scripted([
          { tool: 'Write', input: { file_path: `${here}/agent.txt`, content: 'half' } },
          {
            tool: 'Write',
            input: { file_path: `${here}/agent.txt`, content: 'whole' },
            waitFor: { file: go },
          },
          'Done.',
        ]),
      },
      {
        id: 'command',
        needs: ['first'],
        env: { GO: go },
        sh: command,
        effect: 'diff',
      },
    ],
  };
  repository.write({ 'orch.yaml': JSON.stringify(value) });
  repository.commit('A plan');
}

const run = ['run', 'orch.yaml', '--yes'];
const start = (argv: readonly string[] = run) => startOrch(repository, argv, { env: model.env });
const runId = (): string => path.basename(runDirectory(repository) ?? '');
const left = () => processesWith('ORCH_RUN', runId());

/** Both tasks are in the middle of their work, as the disk and the kernel say it. */
async function inTheMiddle(): Promise<void> {
  await until('the agent wrote its half, and the command waits', () => {
    const session = path.join(runDirectory(repository) ?? '', 'sessions', 'agent.1.jsonl');
    const returned = (jsonLines(session) as readonly { kind: string }[]).some(
      ({ kind }) => kind === 'tool.returned',
    );
    // The second request is open: it would be asked again.
    return (
      returned && model.requests.length >= 2 && processesWith('ORCH_TASK', 'command').length > 0
    );
  });
  expect(left().length).toBeGreaterThanOrEqual(2);
}

/** The run is finished by whoever resumes it, and nothing that was paid for is asked again. */
async function resumeFinishes(): Promise<void> {
  writeFileSync(go, '');
  const resumed = await orch(repository, ['resume'], { env: model.env });
  expect(resumed.stdout).toContain('3/3 succeeded');
  expect(resumed.code).toBe(0);
  // Three turns, and the one message that was in flight.
  expect(model.requests.length).toBeLessThanOrEqual(4);
  expect(new Set(model.requests.map(({ conversation }) => conversation)).size).toBe(1);
  const branch = `orch/${runId()}`;
  expect(repository.git('show', `${branch}:agent.txt`)).toBe('whole');
  const first = journalEvents(repository).filter(
    (event) => event.type === 'attempt.started' && event.task === 'first',
  );
  expect(first).toHaveLength(1);
  expect(left()).toEqual([]);
}

describe('Ctrl-C', () => {
  it('once stops cleanly: exit 130, work kept, no process left, and says how to go on; resume finishes', async () => {
    const terminal = openTerminal(repository, run, { env: model.env });
    await inTheMiddle();
    terminal.press('\u0003');
    expect(await terminal.finished).toBe(130);
    expect(left()).toEqual([]);

    const lines = terminal.screen.lines();
    expect(lines).toContain(`Interrupted; nothing is lost. Go on with: orch resume ${runId()}`);
    expect(terminal.screen.cursorVisible).toBe(true);
    expect(lines.filter((line) => / \d+\/\d+ ended /.test(line))).toEqual([]);
    expect(journalEvents(repository).at(-1)).toMatchObject({ type: 'run.interrupted' });
    expect((await orch(repository, ['status'])).stdout).toContain(
      `Go on with: orch resume ${runId()}`,
    );
    await resumeFinishes();
  });

  it('twice ends at once, the cursor is back and no process is left; resume finishes', async () => {
    // The command does not listen to a polite signal, so that the first Ctrl-C has to wait.
    plan('trap "" TERM; while [ ! -e "$GO" ]; do sleep 0.05; done; echo command > command.txt');
    const terminal = openTerminal(repository, run, { env: model.env });
    await inTheMiddle();
    terminal.press('\u0003');
    await until('it says that it is stopping', () =>
      terminal.screen.lines().some((line) => line.includes('Stopping: agents end')),
    );
    terminal.press('\u0003');
    expect(await terminal.finished).toBe(130);
    expect(terminal.screen.lines()).toContain(
      `Stopped at once. Go on with: orch resume ${runId()}`,
    );
    expect(journalEvents(repository).some(({ type }) => type === 'run.interrupted')).toBe(false);
    await until('no process of the run is left', () => left().length === 0);
    expect(terminal.screen.cursorVisible).toBe(true);
    await resumeFinishes();
  });

  it('the witness can see what is left: a run that goes on has processes, and its terminal no cursor', async () => {
    const terminal = openTerminal(repository, run, { env: model.env });
    await inTheMiddle();
    expect(left().length).toBeGreaterThanOrEqual(2);
    expect(terminal.screen.cursorVisible).toBe(false);
    terminal.press('\u0003');
    await terminal.finished;
  });
});

describe('a signal', () => {
  it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)(
    '%s is as good as a Ctrl-C, without a terminal too',
    async (signal) => {
      const running = start();
      await inTheMiddle();
      process.kill(running.pid, signal);
      const { code, stdout } = await running.finished;
      expect(code).toBe(130);
      expect(stdout).toContain(`Go on with: orch resume ${runId()}`);
      expect(left()).toEqual([]);
      await resumeFinishes();
    },
  );

  it('with --json the last line says interrupted, and stdout stays JSON', async () => {
    const running = start([...run, '--json']);
    await inTheMiddle();
    process.kill(running.pid, 'SIGTERM');
    const { code, stdout, stderr } = await running.finished;
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines.at(-1)).toMatchObject({ type: 'summary', outcome: 'interrupted', exitCode: 130 });
    expect(code).toBe(130);
    expect(stderr).toContain(`orch resume ${runId()}`);
  });
});

it('SIGKILL of the leader: status says interrupted and how to go on, why names the resume', async () => {
  const running = start();
  await inTheMiddle();
  process.kill(running.pid, 'SIGKILL');
  await running.finished;
  const { stdout } = await orch(repository, ['status']);
  expect(stdout).toMatch(/^stopping \w{10} · interrupted$/m);
  expect(stdout).toMatch(/^● agent interrupted|^· agent interrupted/m);
  expect(stdout).toContain(`Nobody leads it. Go on with: orch resume ${runId()}`);
  expect((await orch(repository, ['why', 'agent'])).stdout).toContain(
    `next: orch resume ${runId()}`,
  );
  await until('no process of the run is left', () => left().length === 0);
  await resumeFinishes();
});

it('cancel from another process ends the run: exit 130, outcome cancelled, nothing left', async () => {
  const running = start();
  await inTheMiddle();
  const cancel = await orch(repository, ['cancel'], { env: { USER: 'somebody' } });
  expect(cancel.stdout).toContain(`Run ${runId()} is being cancelled`);
  expect(cancel.code).toBe(0);
  const { code, stdout } = await running.finished;
  expect(code).toBe(130);
  expect(stdout).toContain('cancel asked by somebody');
  const after = await status(repository);
  expect(after.status).toBe('cancelled');
  expect(after.state.tasks['agent']?.verdict).toBe('cancelled');
  expect(left()).toEqual([]);
  // There is nothing to cancel any more, and that is no error.
  const again = await orch(repository, ['cancel', '--json']);
  expect(JSON.parse(again.stdout)).toEqual({ run: runId(), cancelled: false });
});

describe('two leaders', () => {
  it('a second resume is refused while the run is led: exit 8, and says by whom', async () => {
    const running = start();
    await inTheMiddle();
    const second = await orch(repository, ['resume', '--json'], { env: model.env });
    expect(second.code).toBe(8);
    expect(second.stderr).toContain(`led by process ${running.pid}`);
    expect(second.stderr).toContain('(ORCH_RUN_OWNED)');
    const error = JSON.parse(second.stdout) as { error: { code: string; message: string } };
    expect(error.error.code).toBe('ORCH_RUN_OWNED');
    writeFileSync(go, '');
    expect((await running.finished).code).toBe(0);
  });

  it('a stopped leader is refused too, and taken with --take-over; continued, it stops without writing', async () => {
    const old = start();
    await inTheMiddle();
    process.kill(old.pid, 'SIGSTOP');
    const refused = await orch(repository, ['resume'], { env: model.env });
    expect(refused.code).toBe(8);
    expect(refused.stderr).toContain('--take-over');

    writeFileSync(go, '');
    const taken = await orch(repository, ['resume', '--take-over'], { env: model.env });
    expect(taken.stdout + taken.stderr).toContain('3/3 succeeded');
    expect(taken.code).toBe(0);
    const ended = repository.git('rev-parse', `orch/${runId()}`);
    const written = journalEvents(repository).length;

    process.kill(old.pid, 'SIGCONT');
    const { code, stderr } = await old.finished;
    expect(code).toBe(8);
    expect(stderr).toContain('(ORCH_RUN_TAKEN_OVER)');
    // Bytes of the old leader may lie in its own segment; none of them count.
    const events = (await status(repository)).state;
    expect(events.outcome).toBe('succeeded');
    expect(events.seq).toBeLessThanOrEqual(written);
    expect(repository.git('rev-parse', `orch/${runId()}`)).toBe(ended);
    expect(left()).toEqual([]);
    expect(existsSync(path.join(repository.root, '.git', 'index.lock'))).toBe(false);
  });
});
