import { expect, it } from 'vitest';
import { readAll } from '../src/index.js';
import { bytesFileSystem } from '../test/bytes-file-system.js';
import { checkCut, checkFlip, makeOriginal } from '../test/read/damage.js';

it('a file of 200 records cut at every byte: every whole record, the rest a fault with its range', async () => {
  const original = await makeOriginal();
  for (let cut = 0; cut <= original.bytes.length; cut += 1) {
    const wrong = await checkCut(original, cut);
    if (wrong !== undefined) expect.fail(`cut at ${cut}: ${wrong}`);
  }
});

it('every byte of it changed in turn, to nine other values: every record but the touched one, no throw, the chain shows each change', async () => {
  const original = await makeOriginal();
  for (const [position, byte] of original.bytes.entries()) {
    for (const value of [
      byte ^ 1,
      byte ^ (1 << (position % 8)),
      0x00,
      0x0a,
      0x0d,
      0x22,
      0x7b,
      0x7d,
      0xff,
    ]) {
      if (value === byte) continue;
      const wrong = await checkFlip(original, position, value);
      if (wrong !== undefined) expect.fail(`byte ${position} becomes ${value}: ${wrong}`);
    }
  }
});

it('framing: reads cut in two at every byte of 20 KB of whole and damaged lines make no difference', async () => {
  const original = await makeOriginal();
  const damaged = '{"n":1,"te{"n":2}\r\n\0\0{"n":3}{"n":4}\n{"t":"a\nb"}\n\ufeff{\n"n":5}\nx\n';
  const bytes = Buffer.concat([original.bytes.subarray(0, 20_000), Buffer.from(`\n${damaged}`)]);
  const whole = await readAll('memory', { fileSystem: bytesFileSystem(bytes) });
  for (let split = 1; split < bytes.length; split += 1) {
    let first = true;
    const fileSystem = {
      ...bytesFileSystem(bytes),
      read: (_file: number, into: Uint8Array, position: number) => {
        const end = first ? split : bytes.length;
        first = false;
        const part = bytes.subarray(position, Math.min(end, position + into.length));
        into.set(part);
        return Promise.resolve(part.length);
      },
    };
    expect(await readAll('memory', { fileSystem })).toEqual(whole);
  }
});
