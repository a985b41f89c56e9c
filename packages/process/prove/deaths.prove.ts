import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { endLeftovers, identify, isAlive, type ProcessIdentity } from '../src/index.js';
import { bundle } from '../test/bundle.js';
import { environment } from '../test/witness.js';
import { carrying, untilNone } from './carrying.js';

const spawner = await bundle('../../prove/programs/spawner.ts');

test('kill -9 of the owner during 200 spawns, at 20 moments: 0 left, and no bystander harmed', async () => {
  const bystander = spawn('sleep', ['100000'], { stdio: 'ignore' });
  await once(bystander, 'spawn');
  const identity = identify(bystander.pid ?? 0);
  for (let moment = 0; moment < 20; moment += 1) {
    const marker = `spawner-${process.pid}-${moment}`;
    const owner = spawn(process.execPath, [spawner, marker, '200'], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(owner, 'exit');
    const lines = createInterface({ input: owner.stdout });
    const started: ProcessIdentity[] = [];
    for await (const line of lines) {
      started.push(JSON.parse(line) as ProcessIdentity);
      if (started.length >= 1 + moment * 10) break;
    }
    owner.kill('SIGKILL');
    await exited;
    const left = await untilNone(marker, 30_000);
    expect(left).toBe(0);
    expect(started.filter(isAlive)).toEqual([]);
    expect(await endLeftovers({ marker, identities: started })).toEqual({
      ended: 0,
      survivors: [],
    });
  }
  expect(identity !== undefined && isAlive(identity)).toBe(true);
  bystander.kill('SIGKILL');
});

test('kill -9 of owner, reaper and helper at once: the next start finds and ends all', async () => {
  let found = 0;
  for (let round = 0; round < 5; round += 1) {
    const marker = `orphaned-${process.pid}-${round}`;
    const owner = spawn(process.execPath, [spawner, marker, '60'], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(owner, 'exit');
    const started: ProcessIdentity[] = [];
    for await (const line of createInterface({ input: owner.stdout })) {
      started.push(JSON.parse(line) as ProcessIdentity);
      if (started.length >= 40) break;
    }
    owner.kill('SIGSTOP');
    const beside = [
      ...carrying(`orch-reaper ${marker}`, 'cmdline'),
      ...carrying(`orch-helper ${owner.pid}`, 'cmdline'),
    ];
    for (const pid of beside) process.kill(pid, 'SIGKILL');
    owner.kill('SIGKILL');
    await exited;
    // The control: nobody is there to end them.
    expect(started.filter(isAlive).length).toBeGreaterThan(30);
    const { ended, survivors } = await endLeftovers({ marker, identities: started, graceMs: 200 });
    found += ended;
    expect(survivors).toEqual([]);
    expect(await untilNone(marker, 1000)).toBe(0);
  }
  expect(found).toBeGreaterThan(5 * 60);
});
