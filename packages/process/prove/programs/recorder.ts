// recorder.mjs MARKER COUNT DIRECTORY: an owner that starts COUNT processes with records DIRECTORY/0, 1, ...: each
// fourth stays, the others end with code 3 after a moment. Each has a descendant in a session of its own. Prints
// {started: number, identity} and {ended: number, reason, code}, and stays until it is killed.
import { join } from 'node:path';
import { createProcessOwner } from '../../src/index.js';

const [marker = '', count = '0', directory = ''] = process.argv.slice(2);
const owner = createProcessOwner({ marker });
const env = { PATH: process.env['PATH'] ?? '' };
for (let n = 0; n < Number(count); n += 1) {
  const then = n % 4 === 0 ? 'exec sleep 1000' : `sleep 0.${n % 10}; seq 100; exit 3`;
  void owner
    .start({
      argv: ['sh', '-c', `setsid sleep 1000 & ${then}`],
      cwd: '/',
      env,
      graceMs: 200,
      record: { directory: join(directory, String(n)) },
    })
    .then(async ({ identity, ended }) => {
      console.log(JSON.stringify({ started: n, identity }));
      const { reason, code } = await ended;
      console.log(JSON.stringify({ ended: n, reason, code }));
    });
}
setInterval(() => undefined, 1000);
