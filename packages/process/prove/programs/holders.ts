// holders.mjs COUNT: runs programs that exit while something that they left holds their stdout: in turns a
// child in a session of its own, and a daemon that no process group holds. Prints for each how many ms after
// its exit it had settled, by the clock of the program itself, and how many texts were not whole.
import { createProcessOwner } from '../../src/index.js';

const owner = createProcessOwner({ marker: `holders-${process.pid}` });
const env = { PATH: process.env['PATH'] ?? '' };
const holders = [
  'setsid sleep 5 &',
  '(env -i setsid sh -c "exec /bin/sleep 5" &); sleep 0.05;', // out of sight before the exit
];
const waits: number[] = [];
let torn = 0;
for (let round = 0; round < Number(process.argv[2]); round += 1) {
  const holder = holders[round % holders.length] ?? '';
  const argv = ['sh', '-c', `${holder} echo said; exec date +%s%N`] as const;
  const ended = await owner.run({ argv, cwd: '/', env });
  const endedMs = Date.now();
  const [said, exitNs = ''] = ended.stdout.text.split('\n');
  if (said !== 'said' || !/^\d{19}$/.test(exitNs) || ended.reason !== 'exited') torn += 1;
  waits.push(endedMs - Number(exitNs) / 1e6);
}
console.log(JSON.stringify({ torn, waits }));
await owner.close();
