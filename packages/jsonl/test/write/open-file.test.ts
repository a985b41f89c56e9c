import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chainStart, openWriter, readAll, verifyChain } from '../../src/index.js';
import { durableImage, recordFileSystem } from '../recording-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

describe('opening an exclusive file whose last line has no newline', () => {
  it('completes a last line that is a whole record', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '{"n":1}\n{"n":2}');
    const writer = await openWriter(at('a.jsonl'));
    expect(writer.opened).toEqual({
      bytes: 16,
      created: false,
      torn: { byteStart: 8, byteEnd: 15, whole: true },
    });
    await writer.append({ n: 3 });
    await writer.close();
    expect(await readAll(at('a.jsonl'))).toEqual({
      records: [{ n: 1 }, { n: 2 }, { n: 3 }],
      faults: [],
    });
  });

  it('keeps a torn line, alone on its line, and loses nothing that follows', async () => {
    const at = temporaryDirectory();
    const whole = '{"n":1}\n{"text":"käse 😀","n":[2]}';
    const bytes = Buffer.from(whole);
    for (let cut = 8 + 1; cut < bytes.length; cut += 1) {
      const path = at(`${cut}.jsonl`);
      writeFileSync(path, bytes.subarray(0, cut));
      const writer = await openWriter(path, { durability: 'kernel' });
      expect(writer.opened.torn).toEqual({ byteStart: 8, byteEnd: cut, whole: false });
      await writer.append({ n: 3 });
      await writer.close();
      expect(readFileSync(path).subarray(0, cut)).toEqual(bytes.subarray(0, cut));
      const { records, faults } = await readAll(path);
      expect(records).toEqual([{ n: 1 }, { n: 3 }]);
      expect(faults).toEqual([{ kind: 'not_json', byteStart: 8, byteEnd: cut, line: 2 }]);
    }
  });

  it('finds the beginning of a torn line that is longer than a block', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), `1\n"${'x'.repeat(300_000)}`);
    const writer = await openWriter(at('a.jsonl'));
    await writer.append(2);
    await writer.close();
    expect(writer.opened.torn).toEqual({ byteStart: 2, byteEnd: 300_003, whole: false });
    expect((await readAll(at('a.jsonl'))).records).toEqual([1, 2]);
  });

  it('glues the next record to the torn line when the check is left out (negative control)', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '{"n":1}\n{"n":[2');
    const { fileSystem } = recordFileSystem();
    // An empty file has no last line to look at.
    fileSystem.stat = () => Promise.resolve(0);
    fileSystem.statSync = () => '{"n":3}\n'.length;
    const writer = await openWriter(at('a.jsonl'), { fileSystem });
    await writer.append({ n: 3 });
    await writer.close();
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe('{"n":1}\n{"n":[2{"n":3}\n');
  });
});

describe('opening', () => {
  it('says what is wrong with a name that a file cannot have', async () => {
    const at = temporaryDirectory();
    symlinkSync(at('nothing'), at('dangling'));
    writeFileSync(at('file'), '');
    for (const [name, code, message] of [
      ['dangling', 'ORCH_JSONL_OPEN_FAILED', /symbolic link to a file that does not exist/],
      ['.', 'ORCH_JSONL_OPEN_FAILED', /EISDIR/],
      ['file/a.jsonl', 'ORCH_JSONL_OPEN_FAILED', /ENOTDIR/],
      ['nowhere/a.jsonl', 'ORCH_JSONL_NOT_FOUND', /create the directory first/],
    ] as const) {
      await expect(openWriter(at(name)), name).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message) as unknown,
      });
    }
  });

  it('syncs the directory, so that the name of a new file survives a power loss', async () => {
    const at = temporaryDirectory();
    const { fileSystem, moments } = recordFileSystem();
    const writer = await openWriter(at('a.jsonl'), { fileSystem, create: 'new' });
    await writer.append(1);
    await writer.close();
    expect(durableImage(moments).toString()).toBe('1\n');
    // Negative control: the same calls without it.
    const without = moments.filter(({ call }) => call !== 'fsyncDirectory');
    expect(durableImage(without).toString()).toBe('');
  });

  it('syncs what an earlier process left, before anything is appended', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n2');
    const { fileSystem, moments } = recordFileSystem();
    const writer = await openWriter(at('a.jsonl'), { fileSystem });
    const calls = moments.filter(({ stage }) => stage === 'end').map(({ call }) => call);
    expect(calls).toEqual(['open', 'fsyncDirectory', 'write', 'fdatasync']);
    await writer.close();
  });
});

describe('opening a chained file again', () => {
  const chain = { previous: chainStart };

  it('goes on with the chain', async () => {
    const at = temporaryDirectory();
    const first = await openWriter(at('a.jsonl'), { chain });
    await first.appendMany([{ n: 1 }, { n: 2 }]);
    await first.close();
    const second = await openWriter(at('a.jsonl'), { chain });
    expect(second.head).toBe(first.head);
    await second.append({ n: 3 });
    await second.close();
    expect(await verifyChain(at('a.jsonl'), chain)).toEqual({
      head: second.head,
      bytes: second.bytes,
      records: 3,
      groups: 2,
    });
  });

  it('says what no hash had sealed, and seals it with the next group', async () => {
    const at = temporaryDirectory();
    const first = await openWriter(at('a.jsonl'), { chain });
    const { bytes } = await first.append({ n: 1 });
    await first.close();
    const left = '{"n":2}\n{"n":3,"te';
    writeFileSync(at('a.jsonl'), left, { flag: 'a' });
    const second = await openWriter(at('a.jsonl'), { chain });
    const end = bytes + left.length;
    expect(second.opened.torn).toEqual({ byteStart: bytes + 8, byteEnd: end, whole: false });
    expect(second.opened.unsealed).toEqual({ byteStart: bytes, byteEnd: end + 2 });
    await second.append({ n: 4 });
    await second.close();
    const check = await verifyChain(at('a.jsonl'), chain);
    expect(check).toMatchObject({ head: second.head, bytes: second.bytes, groups: 2 });
  });

  it('never takes the rest of a torn record for a sealed one, wherever it was cut', async () => {
    const at = temporaryDirectory();
    const first = await openWriter(at('whole.jsonl'), { chain, durability: 'kernel' });
    await first.append({ n: 1 });
    await first.close();
    const sealed = readFileSync(at('whole.jsonl'));
    const hash = 'a'.repeat(64);
    const torn = Buffer.from(JSON.stringify({ a: { b: 1, hash }, c: { hash }, d: '' }));
    for (let cut = 1; cut <= torn.length; cut += 1) {
      const path = at(`${cut}.jsonl`);
      writeFileSync(path, Buffer.concat([sealed, torn.subarray(0, cut)]));
      const second = await openWriter(path, { chain, durability: 'kernel' });
      await second.append({ n: 2 });
      await second.close();
      const check = await verifyChain(path, chain);
      expect(check).toMatchObject({ head: second.head, bytes: second.bytes, groups: 2 });
      expect((await readAll<{ n?: number }>(path)).records.at(-1)?.n).toBe(2);
    }
  });

  it('refuses a file whose chain does not hold, and writes nothing', async () => {
    const at = temporaryDirectory();
    const first = await openWriter(at('a.jsonl'), { chain });
    await first.append({ paid: 1 });
    await first.close();
    const changed = readFileSync(at('a.jsonl'), 'utf8').replace('"paid":1', '"paid":9');
    writeFileSync(at('a.jsonl'), changed);
    await expect(openWriter(at('a.jsonl'), { chain })).rejects.toMatchObject({
      code: 'ORCH_JSONL_CHAIN_BROKEN',
      details: { byteStart: 0, byteEnd: changed.length },
    });
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe(changed);
  });
});
