import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { ownCgroupWith } from '../src/cgroup-place.js';
import {
  createProcessOwner,
  endLeftovers,
  probeLevels,
  probeLimits,
  ProcessError,
  readRecord,
  type LimitName,
  type Limits,
} from '../src/index.js';
import { createLimited } from '../src/limits.js';
import { bundle } from './bundle.js';
import { environment, temporaryDirectory } from './witness.js';

const fullAtEnd = await bundle('full-at-end.ts');
const probes = await probeLimits();
const places = new Map(
  probes.flatMap((probe) => (probe.works ? [[probe.limit, probe.place] as const] : [])),
);
const levels = (await probeLevels()).all;
const holds = levels.flatMap((probe) => (probe.works ? [[probe.level, probe.hold] as const] : []));
const shell = (script: string) => ({
  argv: ['sh', '-c', script] as [string, ...string[]],
  cwd: '/',
  env: environment,
});

const trials: Readonly<Record<LimitName, { limits: Limits; within: string; beyond: string }>> = {
  memoryBytes: {
    limits: { memoryBytes: 32 * 1024 * 1024 },
    within: 'head -c 1000000 /dev/zero | tail -c 1000000 | wc -c',
    beyond: 'head -c 100000000 /dev/zero | tail -c 100000000 | wc -c',
  },
  processes: {
    limits: { processes: 5 },
    within: 'sleep 0.1 & sleep 0.1 & wait; echo 2',
    beyond: 'for n in 1 2 3 4 5 6 7 8; do sleep 0.1 & done; echo 8',
  },
  cpus: {
    limits: { cpus: 0.2 },
    within: 'sleep 0.3',
    beyond: 'n=0; while [ $n -lt 100000 ]; do n=$((n + 1)); done',
  },
};

test('every limit that cannot be had says why, and rejects a start that asks for it', async () => {
  const owner = createProcessOwner({ marker: `unlimited-${process.pid}` });
  for (const probe of probes) {
    if (probe.works) continue;
    expect(probe.problem).not.toBe('');
    const limits = trials[probe.limit].limits;
    const error: unknown = await owner.start({ ...shell('true'), limits }).catch((e: unknown) => e);
    expect(ProcessError.isInstance(error) && error.code).toBe('ORCH_PROCESS_LIMIT');
  }
  for (const limits of [{ memoryBytes: 1 }, { processes: 0.5 }, { cpus: -1 }]) {
    const error: unknown = await owner.start({ ...shell('true'), limits }).catch((e: unknown) => e);
    expect(ProcessError.isInstance(error) && error.code).toBe('ORCH_PROCESS_SPEC');
  }
  expect(await owner.close()).toEqual([]);
});

describe.each(holds)('held by a %s', (level, hold) => {
  const marker = `limited-${process.pid}-${level.slice(0, 3)}`;
  const owner = createProcessOwner({ marker, hold });
  afterAll(async () => {
    expect(await owner.close()).toEqual([]);
    for (const { directory } of places.values())
      expect(readdirSync(directory).filter((name) => name.includes(marker))).toEqual([]);
  });

  test.for([...places.keys()])('%s of a whole tree are limited', async (name, context) => {
    const { limits, within, beyond } = trials[name];
    const record = { directory: join(temporaryDirectory(context.onTestFinished), 'record') };
    const inside = await owner.run({ ...shell(within), limits });
    expect(inside).toMatchObject({ reason: 'exited', code: 0, limitsReached: [] });
    const outside = await owner.run({ ...shell(beyond), limits, record });
    expect(outside).toMatchObject({ reason: 'exited', limitsReached: [name], survivors: [] });
    // The control: it is the limit that does it. How long it takes depends on others; that it waited, the kernel says.
    const free = await owner.run(shell(beyond));
    expect(free.limitsReached).toBeUndefined();
    expect(outside.stdout.text === free.stdout.text).toBe(name === 'cpus');
    expect(await readRecord(record.directory)).toMatchObject({ state: 'ended' });
  });

  test.runIf(places.size > 0)('one that cannot be started leaves no cgroup', async () => {
    const all = { ...trials.memoryBytes.limits, ...trials.processes.limits, ...trials.cpus.limits };
    const limits = Object.fromEntries(
      Object.entries(all).filter(([name]) => places.has(name as LimitName)),
    );
    const argv = ['no-such-program'] as const;
    await expect(owner.start({ argv, cwd: '/', env: environment, limits })).rejects.toMatchObject({
      code: 'ORCH_PROCESS_START',
      details: { reason: 'ENOENT' },
    });
    for (const { directory } of places.values()) {
      const ours = join(directory, `orch.${marker}`);
      const below = existsSync(ours) ? readdirSync(ours, { withFileTypes: true }) : [];
      expect(below.filter((entry) => entry.isDirectory())).toEqual([]);
    }
  });
});

test.runIf(places.size > 0)('endLeftovers() removes the cgroups of a dead owner', async () => {
  const marker = `limits-left-${process.pid}`;
  const [name = 'cpus'] = places.keys();
  createLimited(trials[name].limits, places, marker, 'tree');
  const ours = join(places.get(name)?.directory ?? '', `orch.${marker}`);
  expect(existsSync(ours)).toBe(true);
  await endLeftovers({ marker });
  expect(existsSync(ours)).toBe(false);
});

test.runIf(places.size > 0)(
  'where no file can be opened at its end, it waits for one before it says what was reached',
  async () => {
    const script = `ulimit -n 60; exec '${process.execPath}' '${fullAtEnd}'`;
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { env: environment });
    expect(JSON.parse(stdout)).toEqual({
      told: { reason: 'cancelled', limitsReached: [] },
      heard: ['started', 'ended'],
      survivors: [],
    });
  },
);

test.runIf(places.size > 0)(
  'where nobody can say what was reached, it is an error that tells the end, and nothing leaks',
  async () => {
    const [name = 'cpus'] = places.keys();
    const { limits } = trials[name];
    const place = places.get(name)?.directory ?? '';
    const heard: string[] = [];
    const owner = createProcessOwner({
      marker: `uncounted-${process.pid}`,
      ledger: {
        started: () => Promise.resolve(void heard.push('started')),
        ended: () => Promise.resolve(void heard.push('ended')),
      },
    });
    // It leaves its cgroup, as root may, and removes it with the counter.
    const script = `echo 0 >'${place}/cgroup.procs'; rmdir '${place}/orch.${owner.marker}/'*; exit 3`;
    const error: unknown = await owner.run({ ...shell(script), limits }).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'ORCH_PROCESS_LIMIT',
      details: { ended: { reason: 'exited', code: 3 } },
      cause: { code: 'ENOENT' },
    });
    expect(heard).toEqual(['started', 'ended']);
    expect(await owner.close()).toEqual([]);
    expect(existsSync(join(place, `orch.${owner.marker}`))).toBe(false);
  },
);

test.runIf(process.platform === 'linux')('a controller that no system has is in no place', () => {
  expect(ownCgroupWith('no-such-controller')).toBeUndefined();
});
