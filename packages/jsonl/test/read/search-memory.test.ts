import { afterEach, expect, it, vi } from 'vitest';
import { bytesFileSystem } from '../bytes-file-system.js';

const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { readonly Memory: new (size: object) => object };
};
const line = `{"type":"a","n":1,"text":"${'x'.repeat(1000)}"}\n`;
const large = Buffer.from(line.repeat(2000));

/** The package as it is when it is loaded, with a count of the memories that it asks for. */
async function load(onMemory: () => void = () => undefined) {
  const asked = { count: 0 };
  class Memory extends WebAssembly.Memory {
    constructor(size: object) {
      asked.count += 1;
      onMemory();
      super(size);
    }
  }
  vi.resetModules();
  const { Module, Instance } = WebAssembly as unknown as Record<string, unknown>;
  vi.stubGlobal('WebAssembly', { Memory, Module, Instance });
  const { read } = await import('../../src/index.js');
  const open = (bytes: Buffer) =>
    read('memory', { fields: ['n'], fileSystem: bytesFileSystem(bytes) })[Symbol.asyncIterator]();
  const count = async (bytes: Buffer) => {
    let records = 0;
    const iterator = open(bytes);
    while ((await iterator.next()).done !== true) records += 1;
    return records;
  };
  return { asked, open, count };
}
afterEach(() => void vi.unstubAllGlobals());

it('is not asked for to read small files', async () => {
  const { asked, count } = await load();
  expect(
    await Promise.all([1, 2, 3].map((lines) => count(Buffer.from(line.repeat(lines))))),
  ).toEqual([1, 2, 3]);
  expect(asked.count).toBe(0);
});

it('is had by a few of many readers, and then by others, also of those that are left half way', async () => {
  const { asked, open, count } = await load();
  for (let round = 0; round < 3; round += 1) {
    const found = await Promise.all(Array.from({ length: 20 }, async () => count(large)));
    expect(new Set(found)).toEqual(new Set([2000]));
    const halfWay = Array.from({ length: 6 }, () => open(large));
    for (const records of halfWay) for (let n = 0; n < 1500; n += 1) await records.next();
    await Promise.all(halfWay.map(async (records) => records.return?.()));
  }
  expect(asked.count).toBe(4);
});

it('is not asked for again where there was no room for it', async () => {
  const { asked, count } = await load(() => {
    throw new RangeError('could not allocate memory');
  });
  for (let reader = 0; reader < 5; reader += 1) expect(await count(large)).toBe(2000);
  expect(asked.count).toBe(1);
});

it('is given back when a line does not fit, and each record is that of its own file', async () => {
  const { asked, open } = await load();
  const texts = Array.from({ length: 6 }, (_, file) =>
    [300_000, 10, 5_000_000, 20, 700_000, 30]
      .map((length) => `{"text":"${'{'.repeat(length)}","n":"${file}-${length}"}\n`)
      .map((text) => text + `{"n":"${file}"}\n`.repeat(20_000))
      .join(''),
  );
  for (let round = 0; round < 2; round += 1) {
    const all = texts.map((text) => open(Buffer.from(text)));
    for (let done = 0; done < all.length;) {
      done = 0;
      for (const [file, records] of all.entries()) {
        for (let n = 0; n < 5000; n += 1) {
          const next = await records.next();
          if (next.done === true) {
            done += 1;
            break;
          }
          const { n: name } = next.value as { n: string };
          if (!name.startsWith(String(file))) expect.fail(name);
        }
      }
    }
  }
  expect(asked.count).toBe(4);
}, 60_000);
