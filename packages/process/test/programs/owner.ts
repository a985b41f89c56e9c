// owner.mjs MARKER ARGV...: an owner that starts one process and stays until it is killed. Prints the
// identity of the process.
import { createProcessOwner } from '../../src/index.js';

const [marker = '', program = '', ...args] = process.argv.slice(2);
const owner = createProcessOwner({ marker });
const started = await owner.start({
  argv: [program, ...args],
  cwd: '/',
  env: { PATH: process.env['PATH'] ?? '' },
});
console.log(JSON.stringify(started.identity));
setInterval(() => undefined, 1000);
