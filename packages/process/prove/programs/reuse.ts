// reuse.mjs ROUNDS: inside a PID namespace of its own, gives the number of an ended process to another one, and
// asks for the ended one to be ended. Prints how many of the others were harmed, and whether each would have
// been ended under its own identity (the control).
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { endLeftovers, identify, isAlive } from '../../src/index.js';

async function startSleeper(): Promise<ChildProcess> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
  await once(child, 'spawn');
  return child;
}

let reused = 0;
let harmed = 0;
let endedByTheirOwn = 0;
for (let round = 0; reused < Number(process.argv[2]) && round < 1000; round += 1) {
  const first = await startSleeper();
  const earlier = identify(first.pid ?? 0);
  if (earlier === undefined) throw new Error('The first process did not start.');
  first.kill('SIGKILL');
  await once(first, 'exit');
  // Start times count hundredths of a second; numbers do not come round within one.
  await sleep(20);
  writeFileSync('/proc/sys/kernel/ns_last_pid', String(earlier.pid - 1));
  const second = await startSleeper();
  const exited = once(second, 'exit');
  if (second.pid !== earlier.pid) {
    second.kill('SIGKILL');
    await exited;
    continue;
  }
  reused += 1;
  const now = identify(second.pid);
  if (now === undefined) throw new Error('The second process did not start.');
  if (isAlive(earlier)) harmed += 1;
  await endLeftovers({ marker: 'nobody', identities: [earlier], graceMs: 50 });
  if (!isAlive(now)) harmed += 1;
  await endLeftovers({ marker: 'nobody', identities: [now], graceMs: 50 });
  if (!isAlive(now)) endedByTheirOwn += 1;
  else second.kill('SIGKILL');
  await exited;
}
console.log(JSON.stringify({ reused, harmed, endedByTheirOwn }));
