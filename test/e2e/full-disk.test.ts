import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import { journalEvents, jsonLines, orch, runDirectory, startOrch } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { processesWith, until } from '../harness/witness.js';

/** A small file system of its own can only be had by root. */
const canMount = process.getuid?.() === 0 && process.platform === 'linux';

let repository: TestRepository;
let model: TestModel;
let go: string;
let mounted: string | undefined;

beforeEach(async () => {
  repository = makeRepository();
  model = await startModel();
  go = path.join(repository.home, 'go');
});
afterEach(async () => {
  writeFileSync(go, '');
  await model.close();
  if (mounted !== undefined) execFileSync('umount', ['--lazy', mounted]);
  mounted = undefined;
  repository.remove();
});

function mountSmall(directory: string, size: string): void {
  mkdirSync(directory, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory]);
  mounted = directory;
}

const free = (directory: string): number => {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
};

const runId = (): string => path.basename(runDirectory(repository) ?? '');
/** Each record is larger than what a last page could still take. */
const long = 'x'.repeat(20_000);
const writes = (name: string) => ({
  tool: 'Write',
  input: { file_path: `${here}/agent.txt`, content: `${name} ${long}` },
});

describe.skipIf(!canMount)('a full disk (these tests mount one, as root)', () => {
  it('under .orch: the agent is stopped instead of paid, the message says where and how to go on, resume finishes', async () => {
    const directory = path.join(repository.root, '.orch');
    mountSmall(directory, '8m');
    const later = Array.from({ length: 8 }, (_, index) => writes(`turn ${index}`));
    repository.write({
      'orch.yaml': JSON.stringify({
        version: 1,
        name: 'full',
        tasks: [
          { id: 'first', sh: 'echo first > first.txt', effect: 'diff' },
          {
            id: 'agent',
            needs: ['first'],
            prompt: scripted([
              writes('half'),
              { ...writes('more'), waitFor: { file: go } },
              ...later,
              'Done.',
            ]),
          },
        ],
      }),
    });
    repository.commit('A plan');
    const running = startOrch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });
    await until('the agent waits for its second answer', () => {
      const session = path.join(runDirectory(repository) ?? '', 'sessions', 'agent.1.jsonl');
      const kinds = (jsonLines(session) as readonly { kind: string }[]).map(({ kind }) => kind);
      return kinds.includes('tool.returned') && model.requests.length >= 2;
    });
    const filler = path.join(directory, 'filler');
    writeFileSync(filler, Buffer.alloc(free(directory)));
    expect(free(directory)).toBe(0);
    const asked = model.requests.length;
    writeFileSync(go, '');
    const { code, stderr } = await running.finished;
    expect(code).toBe(7);
    expect(stderr).toContain('(ORCH_DISK_FULL)');
    expect(stderr.toLowerCase()).toContain('no space left');
    expect(stderr).toContain(path.join(directory, 'runs', runId()));
    expect(stderr).toContain(`orch resume ${runId()}`);
    expect(processesWith('ORCH_RUN', runId())).toEqual([]);
    // Nine more turns were there to be paid for.
    expect(model.requests.length - asked).toBeLessThanOrEqual(2);

    const refused = await orch(repository, ['resume'], { env: model.env });
    expect(refused.code).toBe(7);
    expect(refused.stderr.toLowerCase()).toContain('no space left');

    rmSync(filler);
    const resumed = await orch(repository, ['resume'], { env: model.env });
    expect(resumed.stderr).toBe('');
    expect(resumed.stdout).toContain('2/2 succeeded');
    expect(resumed.code).toBe(0);
    const started = journalEvents(repository).filter((event) => event.type === 'attempt.started');
    expect(started.filter(({ task }) => task === 'first')).toHaveLength(1);
    expect(new Set(model.requests.map(({ conversation }) => conversation)).size).toBe(1);
    expect(repository.git('show', `orch/${runId()}:agent.txt`)).toContain('turn 7');
  });

  it('under the state directory: the run stops and names it, and goes on when there is room', async () => {
    mountSmall(repository.state, '1m');
    repository.write({ 'large.bin': randomBytes(3_000_000).toString('base64') });
    repository.write({
      'orch.yaml': JSON.stringify({
        version: 1,
        name: 'full',
        tasks: [{ id: 'first', sh: 'echo first > first.txt', effect: 'diff' }],
      }),
    });
    repository.commit('A large file');
    const first = await orch(repository, ['run', 'orch.yaml']);
    expect(first.code).toBe(7);
    expect(first.stderr.toLowerCase()).toContain('no space left');
    expect(first.stderr).toContain(repository.state);
    expect(first.stderr).toContain(`orch resume ${runId()}`);

    execFileSync('mount', ['-o', 'remount,size=64m', repository.state]);
    const resumed = await orch(repository, ['resume']);
    expect(resumed.stdout).toContain('1/1 succeeded');
    expect(resumed.code).toBe(0);
  });
});
