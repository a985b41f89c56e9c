// Appends records of random sizes until it is killed, and prints the id of each one once it was
// acknowledged. Half of the records are appended in place.
// node append-until-killed.mjs <module> <file> <access> <name> <least bytes> <most bytes> [<rotate bytes>]
import { writeSync } from 'node:fs';

const [module, path, access, name, least, most, rotateBytes] = process.argv.slice(2);
const { openWriter } = await import(module);

const writer = await openWriter(path, {
  access,
  durability: 'kernel',
  lockTimeoutMs: 60_000,
  ...(rotateBytes === undefined ? {} : { rotate: { bytes: Number(rotateBytes) } }),
});
const ratio = Math.log(Number(most) / Number(least));
for (let n = 0; ; n += 1) {
  const id = `${name}-${n}`;
  const text = 'x'.repeat(Math.round(Number(least) * Math.exp(Math.random() * ratio)));
  if (n % 2 === 0) await writer.append({ id, text });
  else writer.appendSync({ id, text });
  writeSync(1, `${id}\n`);
}
