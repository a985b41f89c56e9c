// store-writer PATH careful|careless: writes ever more into a token store, and tells each write before and after it.
import { writeFileSync } from 'node:fs';
import { fileTokenStore } from '../../src/auth/index.js';

const [path = '', manner] = process.argv.slice(2);
const store = fileTokenStore(path);
const value = (n: number): string => `${n}:`.padEnd(400_000, 'x');

for (let n = 1; ; n += 1) {
  process.stdout.write(`begin ${n}\n`);
  if (manner === 'careful') await store.set('key', value(n));
  else {
    const entries = { key: value(n) };
    writeFileSync(path, JSON.stringify({ version: 1, entries }), { mode: 0o600 });
  }
  process.stdout.write(`end ${n}\n`);
}
