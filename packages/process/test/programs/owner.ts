// owner.mjs MARKER ARGV...: an owner that starts one process and stays until it is killed. Prints the
// identity of the process, and how it ended. In its environment: LEVEL names what holds the process, RECORD the
// directory of its record, LEASE its lease in ms; with STDIN=pipe the process waits for input that never comes,
// with GUARD it is guarded for so many ms.
import { createProcessOwner, probeLevels } from '../../src/index.js';

const [marker = '', program = '', ...args] = process.argv.slice(2);
const { LEVEL: level, RECORD: directory, LEASE: lease, GUARD: guard } = process.env;
const probe = (await probeLevels()).all.find((one) => one.level === level);
if (level !== undefined && probe?.works !== true) throw new Error(`${level} does not work here`);
const owner = createProcessOwner({
  marker,
  ...(probe?.works === true ? { hold: probe.hold } : {}),
});
const started = await owner.start({
  argv: [program, ...args],
  cwd: '/',
  env: { PATH: process.env['PATH'] ?? '' },
  stdin: process.env['STDIN'] === 'pipe' ? 'pipe' : 'closed',
  ...(guard === undefined ? {} : { guardMs: Number(guard) }),
  ...(directory === undefined
    ? {}
    : { record: { directory, ...(lease === undefined ? {} : { leaseMs: Number(lease) }) } }),
});
console.log(JSON.stringify(started.identity));
void started.ended.then(({ reason }) => console.log(JSON.stringify(reason)));
setInterval(() => undefined, 1000);
