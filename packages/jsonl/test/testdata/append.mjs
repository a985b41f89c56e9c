// Appends numbered records of a given size, `together` at a time, and prints the id of each one once
// it was acknowledged. With `killIn`, it kills itself with -9 while that write is under way:
// node append.mjs <module> <file> <access> <name> <bytes> <count> <together> [<killIn>]
import { writeSync } from 'node:fs';

const [module, path, access, name, bytes, count, together, killIn] = process.argv.slice(2);
const { nodeFileSystem, openWriter } = await import(module);

let writes = 0;
function write(file, bytes, start, end) {
  // It runs in a thread of the pool, so the kill meets it there.
  const written = nodeFileSystem.write(file, bytes, start, end);
  writes += 1;
  if (writes === Number(killIn)) process.kill(process.pid, 'SIGKILL');
  return written;
}

const writer = await openWriter(path, {
  access,
  durability: 'kernel',
  maxBatchBytes: 2 ** 24,
  fileSystem: { ...nodeFileSystem, write },
});
const text = 'x'.repeat(Number(bytes));
for (let n = 0; n < Number(count); n += Number(together)) {
  const ids = Array.from({ length: Number(together) }, (_, index) => `${name}-${n + index}`);
  await Promise.all(ids.map((id) => writer.append({ id, text })));
  writeSync(1, ids.map((id) => `${id}\n`).join(''));
}
await writer.close();
