// What a program without this package does: one write on O_APPEND for each record, and nothing else.
// node append-plain.mjs <file> <name> <bytes> <count>
import { openSync, writeSync } from 'node:fs';

const [path, name, bytes, count] = process.argv.slice(2);
const file = openSync(path, 'a');
const text = 'x'.repeat(Number(bytes));
for (let n = 0; n < Number(count); n += 1) {
  const id = `${name}-${n}`;
  const record = Buffer.from(JSON.stringify({ id, text }) + '\n');
  for (let offset = 0; offset < record.length;) offset += writeSync(file, record, offset);
  writeSync(1, `${id}\n`);
}
