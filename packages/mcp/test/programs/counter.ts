// counter PATH KEY FILE TIMES locked|free: reads a number from a file and writes the next, so often.
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileTokenStore } from '../../src/auth/index.js';

const [path = '', key = '', file = '', times = '', manner] = process.argv.slice(2);
const store = fileTokenStore(path);
const count = async (): Promise<void> => {
  const number = Number(readFileSync(file, 'utf8'));
  await sleep(1);
  writeFileSync(file, String(number + 1));
};
for (let n = 0; n < Number(times); n += 1)
  await (manner === 'locked' ? store.exclusively(key, count) : count());
