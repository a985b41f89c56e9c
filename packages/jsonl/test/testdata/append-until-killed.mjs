// Appends records of random sizes until it is killed, and prints the id of each one once it was
// acknowledged. Half of the records are appended in place, except where only a sync would notice
// that others write too. Access `none` is what a program without this package does.
// node append-until-killed.mjs <module> <file> <access> <name> <least bytes> <most bytes> [<rotate bytes>]
import { openSync, writeSync } from 'node:fs';

const [module, path, access, name, least, most, rotateBytes] = process.argv.slice(2);
const { openWriter } = await import(module);

function openPlain() {
  const file = openSync(path, 'a');
  return {
    append(value) {
      const bytes = Buffer.from(JSON.stringify(value) + '\n');
      for (let offset = 0; offset < bytes.length;) offset += writeSync(file, bytes, offset);
    },
  };
}

const open = () =>
  access === 'none'
    ? openPlain()
    : openWriter(path, {
        access,
        durability: 'kernel',
        lockTimeoutMs: 60_000,
        ...(rotateBytes === undefined ? {} : { rotate: { bytes: Number(rotateBytes) } }),
      });

const canAppendSync = access === 'shared' || access === 'locked';
const ratio = Math.log(Number(most) / Number(least));
let writer = await open();
for (let n = 0; ; n += 1) {
  const id = `${name}-${n}`;
  const text = 'x'.repeat(Math.round(Number(least) * Math.exp(Math.random() * ratio)));
  try {
    if (canAppendSync && n % 2 === 1) writer.appendSync({ id, text });
    else await writer.append({ id, text });
  } catch (error) {
    // Others write as well, each of whom claims to be the only one.
    if (error.code !== 'ORCH_JSONL_NOT_EXCLUSIVE') throw error;
    await writer.close();
    writer = await open();
    continue;
  }
  writeSync(1, `${id}\n`);
}
