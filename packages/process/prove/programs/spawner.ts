// spawner.mjs MARKER COUNT: an owner that starts COUNT processes at once, each with a descendant in a session of
// its own, through the spawn helper; prints a line for each that was started, and stays until it is killed.
import { createProcessOwner } from '../../src/index.js';

const [marker = '', count = '0'] = process.argv.slice(2);
const owner = createProcessOwner({ marker });
const env = { PATH: process.env['PATH'] ?? '' };
for (let n = 0; n < Number(count); n += 1) {
  void owner
    .start({ argv: ['sh', '-c', 'setsid sleep 1000 & exec sleep 1000'], cwd: '/', env })
    .then(({ identity }) => console.log(JSON.stringify(identity)));
}
setInterval(() => undefined, 1000);
