// crowd.mjs [DIRECTORY]: starts processes until the limit of open files refuses one; then ends all and starts again.
// With a directory each keeps its record there; the last start takes the place of the one that was refused.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessOwner, ProcessError } from '../../src/index.js';

const owner = createProcessOwner({ marker: `crowd-${process.pid}` });
const sleeper = {
  argv: ['sleep', '1000'],
  cwd: '/',
  env: { PATH: process.env['PATH'] ?? '' },
} as const;
let started = 0;
let refusal: unknown;
const records = process.argv[2];
const next = () =>
  records === undefined
    ? sleeper
    : { ...sleeper, record: { directory: join(records, String(started)) } };
while (refusal === undefined) {
  await owner.start(next()).then(
    () => (started += 1),
    (error: unknown) => (refusal = error),
  );
}
const left = (await owner.left()).length;
const isMade = records !== undefined && existsSync(join(records, String(started)));
await owner.endAll();
const again = await owner.run({ ...next(), argv: ['sleep', '0'] });
const error = ProcessError.isInstance(refusal)
  ? { code: refusal.code, reason: refusal.details['reason'], message: refusal.message }
  : undefined;
console.log(JSON.stringify({ started, left, isMade, error, again: again.code }));
await owner.close();
