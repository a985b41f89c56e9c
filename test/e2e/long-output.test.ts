import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  jsonLines,
  journalEvents,
  orch,
  runDirectory,
  startOrch,
  status,
} from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { plan } from '../harness/situation.js';

let repository: TestRepository;
beforeEach(() => {
  repository = makeRepository();
});
afterEach(() => repository.remove());

/** Makes each Node process write down, at its end, the most memory that the kernel ever counted for it. */
const peakProgram = `import { readFileSync, writeFileSync } from 'node:fs';
process.on('exit', () => {
  const peak = /VmHWM:\\s*(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1];
  writeFileSync(process.env.PEAKS + '/' + process.pid, peak);
});`;

function peakWitness(): {
  readonly env: Readonly<Record<string, string>>;
  readonly peakBytes: (pid: number) => number;
} {
  const peaks = path.join(repository.home, 'peaks');
  mkdirSync(peaks, { recursive: true });
  return {
    env: {
      PEAKS: peaks,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(peakProgram)}`,
    },
    peakBytes: (pid) => Number(readFileSync(path.join(peaks, String(pid)), 'utf8')) * 1024,
  };
}

const hundred = 100_000_000;
/** Less than 10 MB of text takes when it is kept as lines. */
const boundBytes = 2 * hundred;

async function peakOfRun(task: Readonly<Record<string, unknown>>): Promise<number> {
  plan(repository, { tasks: [{ id: 'loud', ...task }] });
  const { env, peakBytes } = peakWitness();
  const running = startOrch(repository, ['run', 'orch.yaml', '--yes'], { env });
  const finished = await running.finished;
  expect(finished.code, finished.stdout + finished.stderr).toBe(0);
  return peakBytes(running.pid);
}

it.runIf(process.platform === 'linux')(
  '300 MB of output stay neither in memory nor on record',
  async () => {
    const quiet = await peakOfRun({ sh: 'echo quiet' });
    // The witness can tell: an output is kept whole, and a tenth of the bytes is enough to be seen.
    const kept = await peakOfRun({
      sh: 'yes abc | head -c 10000000',
      output: { lines: 'stdout' },
    });
    expect(kept - quiet).toBeGreaterThan(boundBytes);

    // Lines of 9 bytes: kept as lines they would take far more memory than their text.
    const loud = await peakOfRun({ sh: `yes abcdefgh | head -c ${hundred}; echo the end` });
    // What a Node lets pile up before it clears away differs; that it does not grow with the output is the promise.
    const louder = await peakOfRun({ sh: `yes abcdefgh | head -c ${3 * hundred}; echo the end` });
    expect(louder - loud).toBeLessThan(hundred);

    const session = path.join(runDirectory(repository) ?? '', 'sessions', 'loud.1.jsonl');
    expect(statSync(session).size).toBeLessThan(8e6);
    const logs = await orch(repository, ['logs', 'loud']);
    expect(logs.stdout).toMatch(/\d+ bytes of stdout are left out/);
    expect(logs.stdout).toContain('the end');
  },
);

it('10 MB of short lines are an output of every line, from a bounded number of records and events', async () => {
  plan(repository, {
    tasks: [
      { id: 'list', sh: 'yes abc | head -c 10000000', output: { lines: 'stdout' } },
      {
        id: 'count',
        needs: ['list'],
        sh: `node -e 'const { list } = JSON.parse(require("fs").readFileSync(0, "utf8")); console.log(list.length, list.every((line) => line === "abc"))'`,
        inputs: { list: '${{ list.output }}' },
        output: { lines: 'stdout' },
      },
    ],
  });
  const finished = await orch(repository, ['run', 'orch.yaml', '--yes']);
  expect(finished.code, finished.stdout + finished.stderr).toBe(0);
  const committed = journalEvents(repository).filter(({ type }) => type === 'attempt.committed');
  expect(committed.at(-1)).toMatchObject({ task: 'count', output: ['2500000 true'] });
  const session = path.join(runDirectory(repository) ?? '', 'sessions', 'list.1.jsonl');
  expect(jsonLines(session).length).toBeLessThan(22_000);
  expect(jsonLines(session).length).toBeGreaterThan(18_000);
  expect(journalEvents(repository).length).toBeLessThan(40);
});

it('an output that is longer than allowed is a failure that says so; what needs it does not start', async () => {
  plan(repository, {
    tasks: [
      { id: 'list', sh: 'yes abc | head -c 17000000', output: { lines: 'stdout' } },
      { id: 'reader', needs: ['list'], sh: 'cat', inputs: { list: '${{ list.output }}' } },
    ],
  });
  const finished = await orch(repository, ['run', 'orch.yaml', '--yes']);
  expect(finished.code, finished.stdout + finished.stderr).toBe(1);
  const { state } = await status(repository);
  expect(state.tasks['list']?.verdict).toBe('failed');
  expect(state.tasks['reader']?.verdict).toBe('skipped');
  const why = await orch(repository, ['why', 'list']);
  expect(why.stdout).toContain('16777216 bytes allowed for an output');
});
