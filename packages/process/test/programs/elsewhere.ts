// elsewhere.mjs DIRECTORY: runs a program with a record in it, a lease and a guard; prints how it ended, and what its
// record says.
import { createProcessOwner, readRecord } from '../../src/index.js';

const directory = process.argv[2] ?? '';
const owner = createProcessOwner({ marker: `elsewhere-${process.pid}` });
const { reason, code } = await owner.run({
  argv: [process.execPath, '-e', 'setTimeout(() => process.exit(3), 1000)'],
  cwd: '/',
  env: {},
  guardMs: 100,
  record: { directory, leaseMs: 400 },
});
console.log(JSON.stringify({ reason, code, record: (await readRecord(directory)).state }));
await owner.close();
