import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProcessOwner, identify } from '@orch/process';
import { describe, expect, test } from 'vitest';
import { digestOutput, GateError, runCommandGate } from '../src/index.js';
import { createOwner, environment, project, request, runArgv, runShell } from './owner.js';

const owner = createOwner();
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));

describe('a gate', () => {
  test('passes on exit code 0, without findings', async () => {
    expect(await runShell(owner, 'echo fine')).toMatchObject({ verdict: 'passed', findings: '' });
  });

  test.each([1, 2, 127, 255])('fails on exit code %i', async (code) => {
    const result = await runShell(owner, `echo broken; exit ${code}`);
    expect(result).toMatchObject({ verdict: 'failed', receipt: { exit: { code, signal: null } } });
    expect(result.findings).toBe(
      `["/bin/sh","-c","echo broken; exit ${code}"] ended with exit code ${code}.\n\nbroken`,
    );
  });

  test('fails when a signal ended the program', async () => {
    const result = await runShell(owner, 'kill -9 $$');
    expect(result).toMatchObject({
      verdict: 'failed',
      receipt: { exit: { code: null, signal: 'SIGKILL' } },
    });
    expect(result.findings).toContain('signal SIGKILL');
  });

  test('fails at its time limit and says the limit, even if the program then ends with 0', async () => {
    const line = "trap 'exit 0' TERM; echo working; while :; do sleep 0.05; done";
    const result = await runShell(owner, line, { timeoutMs: 500 });
    expect(result).toMatchObject({ verdict: 'failed', receipt: { exit: { code: 0 } } });
    expect(result.findings).toMatch(/^Timed out: .* limit of 500 ms/);
    expect(result.findings).toContain('working');
    expect(result.receipt.durationMs).toBeGreaterThanOrEqual(490);
  });

  test('leaves no process behind, whether it passes or fails', async ({ onTestFinished }) => {
    const cwd = project({}, onTestFinished);
    for (const end of ['exit 0', 'exit 1']) {
      await runShell(owner, `setsid sleep 1000 & echo $! > pid; ${end}`, { cwd });
      expect(identify(Number(readFileSync(join(cwd, 'pid'), 'utf8')))).toBeUndefined();
    }
  });

  test('uses a shell only when asked for one', async ({ onTestFinished }) => {
    const cwd = project({}, onTestFinished);
    const line = 'x; touch escaped; $(touch escaped)';
    const plain = await runArgv(owner, ['printf', '%s', line], { cwd });
    expect(plain).toMatchObject({ verdict: 'passed', receipt: { argv: ['printf', '%s', line] } });
    expect(plain.receipt.output).toBe(digestOutput({ stdout: sha256(line), stderr: sha256('') }));
    expect(existsSync(join(cwd, 'escaped'))).toBe(false);
    const shell = await runShell(owner, 'touch escaped && test -e escaped', { cwd });
    expect(shell).toMatchObject({
      verdict: 'passed',
      receipt: { argv: ['/bin/sh', '-c', 'touch escaped && test -e escaped'] },
    });
    expect(existsSync(join(cwd, 'escaped'))).toBe(true);
  });
});

describe('a gate that cannot run is an error, not a failure', () => {
  test('when its program is not there: the findings say where it was looked for', async () => {
    const result = await runArgv(owner, ['no-such-checker', '--all']);
    expect(result).toMatchObject({
      verdict: 'error',
      receipt: {
        argv: ['no-such-checker', '--all'],
        exit: { code: null, signal: null },
        durationMs: 0,
        output: digestOutput(undefined),
      },
    });
    expect(result.findings).toMatch(
      /^Gate check could not run on task a\. no-such-checker .*ENOENT.*install it/,
    );
  });

  test('when its directory is not there', async () => {
    const result = await runArgv(owner, ['true'], { cwd: '/no/such/checkout' });
    expect(result.verdict).toBe('error');
    expect(result.findings).toContain('/no/such/checkout does not exist');
  });

  test('when it is cancelled, before it starts and while it runs', async ({ onTestFinished }) => {
    const controller = new AbortController();
    const cwd = project({}, onTestFinished);
    const running = runCommandGate(
      { ...request, cwd, command: { argv: ['touch started; sleep 1000'], shell: true } },
      { owner, signal: controller.signal },
    );
    while (!existsSync(join(cwd, 'started')))
      await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort();
    expect(await running).toMatchObject({
      verdict: 'error',
      findings: 'Gate check on task a was cancelled before it was done.',
    });
    expect(await runCommandGate(request, { owner, signal: controller.signal })).toMatchObject({
      verdict: 'error',
    });
    expect(
      await runCommandGate(request, { owner, signal: new AbortController().signal }),
    ).toMatchObject({ verdict: 'passed' });
  });

  test('and a request without a command throws, as does a closed owner', async () => {
    for (const command of [
      { argv: [], shell: false },
      { argv: [' '], shell: true },
      { argv: ['one', 'two'], shell: true },
    ]) {
      const error: unknown = await runArgv(owner, [], { command }).catch(
        (reason: unknown) => reason,
      );
      expect(GateError.isInstance(error) && error.code).toBe('ORCH_GATES_REQUEST');
    }
    const closed = createProcessOwner({ marker: `closed-${process.pid}` });
    await closed.close();
    await expect(runArgv(closed, ['true'])).rejects.toMatchObject({ code: 'ORCH_PROCESS_CLOSED' });
  });
});

describe('a receipt', () => {
  test('says what ran, on what, with which names in its environment, and the digest of its output', async () => {
    const env = { ...environment, TOKEN_FOR_TESTS: 'a value that must not leave', A: 'b' };
    const { receipt } = await runShell(owner, 'echo out; echo err >&2; exit 3', { env });
    expect(receipt).toEqual({
      commit: 'c'.repeat(40),
      tree: 'd'.repeat(40),
      argv: ['/bin/sh', '-c', 'echo out; echo err >&2; exit 3'],
      environment: ['A', 'PATH', 'TOKEN_FOR_TESTS'],
      exit: { code: 3, signal: null },
      durationMs: expect.any(Number) as number,
      output: `sha256:${sha256(`stdout ${sha256('out\n')}\nstderr ${sha256('err\n')}\n`)}`,
    });
    expect(JSON.stringify(receipt)).not.toContain('must not leave');
  });

  test('hashes all of an output of which only the head and the tail are kept', async () => {
    const lines = (last: string) =>
      Array.from({ length: 400_000 }, (_, n) => `${n + 1}\n`)
        .join('')
        .replace('\n200000\n', `\n${last}\n`);
    const { receipt } = await runShell(owner, 'seq 1 400000');
    expect(receipt.output).toBe(
      digestOutput({ stdout: sha256(lines('200000')), stderr: sha256('') }),
    );
    // Control: one changed digit in the part that was left out is another digest.
    expect(receipt.output).not.toBe(
      digestOutput({ stdout: sha256(lines('200001')), stderr: sha256('') }),
    );
  });
});

const failing = `
import assert from 'node:assert/strict';
import test from 'node:test';
for (let n = 0; n < 400; n += 1) test(\`passes \${n} although its name says Error\`, () => {});
test('adds', () => { assert.deepEqual({ sum: 1 + 1 }, { sum: 3 }); });
for (let n = 0; n < 400; n += 1) test(\`passes later \${n}\`, () => {});
`;

describe.concurrent('with a real test runner', () => {
  test('node --test: the one failed test of 801 is in the findings, with its diff and the totals', async ({
    onTestFinished,
  }) => {
    for (const reporter of ['tap', 'spec']) {
      const cwd = project({ 'sum.test.mjs': failing }, onTestFinished);
      const argv = ['node', '--test', `--test-reporter=${reporter}`, 'sum.test.mjs'];
      const { verdict, findings } = await runArgv(owner, argv, { cwd });
      expect(verdict).toBe('failed');
      expect(Buffer.byteLength(findings)).toBeLessThanOrEqual(8192);
      expect(findings).toMatch(reporter === 'tap' ? /not ok 401 - adds/ : /✖ adds/);
      expect(findings).toMatch(/Expected values to be strictly deep-equal/);
      expect(findings).toMatch(/sum: 2[^]*sum: 3/);
      expect(findings).toMatch(/[#ℹ] fail 1/);
      expect(findings).toMatch(/\[\.\.\. \d+ lines \.\.\.\]/);
    }
  });

  test('node --test: zero tests fail, skipped ones count as zero; control: one test passes', async ({
    onTestFinished,
  }) => {
    const cwd = project(
      {
        'skipped.mjs': "import test from 'node:test'; test.skip('later', () => {});",
        'one.mjs':
          "import test from 'node:test'; test('now', () => {}); test.skip('later', () => {});",
      },
      onTestFinished,
    );
    const none = await runArgv(owner, ['node', '--test'], { cwd });
    expect(none).toMatchObject({ verdict: 'failed', receipt: { exit: { code: 0 } } });
    expect(none.findings).toMatch(
      /^Zero tests ran: \["node","--test"\] ended with exit code 0, but its node:test report/,
    );
    expect(await runArgv(owner, ['node', '--test', 'skipped.mjs'], { cwd })).toMatchObject({
      verdict: 'failed',
    });
    expect(await runArgv(owner, ['node', '--test', 'one.mjs'], { cwd })).toMatchObject({
      verdict: 'passed',
    });
  });

  test('vitest: no files and only skipped tests fail; control: one test passes', async ({
    onTestFinished,
  }) => {
    const run = (body: string, ...more: string[]) => {
      const text = `import { test } from ${JSON.stringify(vitest.replace('vitest.mjs', 'dist/index.js'))}; ${body}`;
      const cwd = project(
        { 'a.test.mjs': text, 'package.json': '{"type":"module"}' },
        onTestFinished,
      );
      return runArgv(owner, ['node', vitest, 'run', '--root', cwd, ...more], { cwd });
    };
    const skip = "test.skip('later', () => {});";
    const none = await run(skip, 'nothing-has-this-name', '--passWithNoTests');
    expect(none).toMatchObject({ verdict: 'failed', receipt: { exit: { code: 0 } } });
    expect(none.findings).toContain('its vitest report shows no test that ran');
    expect(await run(skip)).toMatchObject({ verdict: 'failed', receipt: { exit: { code: 0 } } });
    expect(await run(`${skip} test('now', () => {});`)).toMatchObject({ verdict: 'passed' });
  });
});
