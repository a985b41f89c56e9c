import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { endLeftovers, identify, isAlive, readRecord, type ProcessIdentity } from '../src/index.js';
import { bundle } from '../test/bundle.js';
import { environment, temporaryDirectory, type Cleanup } from '../test/witness.js';
import { carrying, untilNone } from './carrying.js';

const recorder = await bundle('../../prove/programs/recorder.ts');
const count = 200;

interface Line {
  readonly started?: number;
  readonly ended?: number;
  readonly identity?: ProcessIdentity;
  readonly reason?: string;
}

/** An owner of `count` processes with records, as far as it has told about them. */
function startRecorder(marker: string, clean: Cleanup) {
  const directory = temporaryDirectory(clean);
  const child = spawn(process.execPath, [recorder, marker, String(count), directory], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines: Line[] = [];
  const reader = createInterface({ input: child.stdout });
  const read = once(reader, 'close');
  reader.on('line', (line) => lines.push(JSON.parse(line) as Line));
  return {
    directory,
    child,
    lines,
    started: () => lines.flatMap(({ identity }) => identity ?? []),
    async until(condition: () => boolean) {
      while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
      await read;
    },
  };
}

/** What all records say, and that what the owner was told before its death stands in them. */
async function judge(directory: string, lines: readonly Line[]) {
  let [ended, lost] = [0, 0];
  for (const name of readdirSync(directory)) {
    const record = await readRecord(join(directory, name));
    expect(record.state).not.toBe('running');
    if (record.state === 'ended') {
      ended += 1;
      // Those that stay never end by themselves.
      expect([Number(name) % 4 === 0, record.reason, record.code]).toEqual([false, 'exited', 3]);
      expect(readFileSync(record.stdout, 'utf8').split('\n')).toHaveLength(101);
    } else {
      lost += 1;
    }
  }
  for (const line of lines.filter(({ reason }) => reason === 'exited'))
    expect(await readRecord(join(directory, String(line.ended)))).toMatchObject({ code: 3 });
  return { ended, lost };
}

test(`kill -9 of the owner during ${count} starts with records, at 10 moments: 0 left, and what was told stands`, async ({
  onTestFinished,
}) => {
  const bystander = spawn('sleep', ['100000'], { stdio: 'ignore' });
  await once(bystander, 'spawn');
  const identity = identify(bystander.pid ?? 0);
  const sum = { ended: 0, lost: 0 };
  for (let moment = 0; moment < 10; moment += 1) {
    const marker = `recorder-${process.pid}-${moment}`;
    const owner = startRecorder(marker, onTestFinished);
    await owner.until(() => owner.lines.length >= 1 + moment * 35);
    await owner.kill();
    expect(await untilNone(marker, 30_000)).toBe(0);
    expect(owner.started().filter(isAlive)).toEqual([]);
    expect(await endLeftovers({ marker, identities: owner.started() })).toEqual({
      ended: 0,
      survivors: [],
    });
    const { ended, lost } = await judge(owner.directory, owner.lines);
    sum.ended += ended;
    sum.lost += lost;
  }
  console.log(`records: ${sum.ended} ended, ${sum.lost} lost`);
  expect(Math.min(sum.ended, sum.lost)).toBeGreaterThan(0);
  expect(identity !== undefined && isAlive(identity)).toBe(true);
  bystander.kill('SIGKILL');
});

test('kill -9 of owner, reaper and helper at once: the shims end, the next start ends the rest', async ({
  onTestFinished,
}) => {
  let found = 0;
  for (let round = 0; round < 5; round += 1) {
    const marker = `unwatched-${process.pid}-${round}`;
    const owner = startRecorder(marker, onTestFinished);
    await owner.until(() => owner.started().length >= 60);
    owner.child.kill('SIGSTOP');
    const beside = [
      ...carrying(`orch-reaper ${marker}`, 'cmdline'),
      ...carrying(`orch-helper ${owner.child.pid}`, 'cmdline'),
    ];
    for (const pid of beside) process.kill(pid, 'SIGKILL');
    await owner.kill();
    const deadline = performance.now() + 10_000;
    while (owner.started().some(isAlive) && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(owner.started().filter(isAlive)).toEqual([]);
    // The control: what left its session is nobody's until the next start.
    expect(carrying(marker, 'environ').length).toBeGreaterThan(0);
    const options = { marker, identities: owner.started(), graceMs: 200 };
    const { ended, survivors } = await endLeftovers(options);
    found += ended;
    expect(survivors).toEqual([]);
    expect(await untilNone(marker, 1000)).toBe(0);
    await judge(owner.directory, owner.lines);
  }
  expect(found).toBeGreaterThan(50);
});

test(`kill -9 of the shims of ${count} starts: each that ran is lost, and 0 left`, async ({
  onTestFinished,
}) => {
  const marker = `shimless-${process.pid}`;
  const owner = startRecorder(marker, onTestFinished);
  const killed = new Set<number>();
  await owner.until(() => {
    for (const { pid } of owner.started().filter((one) => !killed.has(one.pid) && isAlive(one))) {
      killed.add(pid);
      process.kill(pid, 'SIGKILL');
    }
    return owner.lines.filter(({ ended }) => ended !== undefined).length === count;
  });
  expect(killed.size).toBeGreaterThan(count / 4);
  expect(owner.lines.filter(({ reason }) => reason === 'lost').length).toBeGreaterThan(count / 4);
  expect(carrying(`${marker}/`, 'environ')).toEqual([]);
  await owner.kill();
  await judge(owner.directory, owner.lines);
  expect(await endLeftovers({ marker })).toEqual({ ended: 0, survivors: [] });
});
