// crowd.mjs: starts processes until the limit of open files refuses one; then ends all and starts again.
import { createProcessOwner, ProcessError } from '../../src/index.js';

const owner = createProcessOwner({ marker: `crowd-${process.pid}` });
const sleeper = {
  argv: ['sleep', '1000'],
  cwd: '/',
  env: { PATH: process.env['PATH'] ?? '' },
} as const;
let started = 0;
let refusal: unknown;
while (refusal === undefined) {
  await owner.start(sleeper).then(
    () => (started += 1),
    (error: unknown) => (refusal = error),
  );
}
const left = (await owner.left()).length;
await owner.endAll();
const again = await owner.run({ ...sleeper, argv: ['sleep', '0'] });
const error = ProcessError.isInstance(refusal)
  ? { code: refusal.code, reason: refusal.details['reason'], message: refusal.message }
  : undefined;
console.log(JSON.stringify({ started, left, error, again: again.code }));
await owner.close();
