// stoppable.mjs: runs a process that speaks 20 times a second, under an idle limit of 400 ms; prints how
// it ended. The test stops and continues this program meanwhile.
import { createProcessOwner } from '../../src/index.js';

const owner = createProcessOwner({ marker: `stoppable-${process.pid}` });
let announced = false;
const ended = await owner.run({
  argv: ['sh', '-c', 'n=0; while [ $n -lt 60 ]; do echo $n; n=$((n+1)); sleep 0.05; done'],
  cwd: '/',
  env: { PATH: process.env['PATH'] ?? '' },
  idleMs: 400,
  onStdoutLine: () => {
    if (!announced) console.log('running');
    announced = true;
  },
});
console.log(JSON.stringify({ reason: ended.reason, code: ended.code }));
await owner.close();
