import { appendFileSync, truncateSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chainStart, openWriter, readAll } from '../../src/index.js';
import { faultyFileSystem } from '../faulty-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

const notExclusive = { code: 'ORCH_JSONL_NOT_EXCLUSIVE' };

describe('two writers of a file that both claim to be the only one', () => {
  it('acknowledge nothing behind each other, and take nothing more', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const first = await openWriter(path);
    const second = await openWriter(path);
    await first.append('first');
    await expect(second.append('second')).rejects.toMatchObject({
      ...notExclusive,
      details: { path, bytes: 17, expected: 9 },
    });
    await expect(second.append('more')).rejects.toMatchObject({ code: 'ORCH_JSONL_WRITER_FAILED' });
    await expect(first.append('again')).rejects.toMatchObject(notExclusive);
    await first.close();
    await second.close();
    // What was refused is left there: what follows it may be somebody's who was told that it is safe.
    expect((await readAll(path)).records).toEqual(['first', 'second', 'again']);
  });

  it('do not acknowledge what is glued to a torn line of the other', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const writer = await openWriter(path, { durability: 'kernel' });
    await writer.append({ n: 1 });
    appendFileSync(path, '{"n":2,"te');
    await expect(writer.append({ n: 3 })).rejects.toMatchObject(notExclusive);
    await writer.close();
  });

  it('are noticed by flush() after records that were appended in place', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const writer = await openWriter(path, { durability: 'kernel' });
    writer.appendSync(1);
    appendFileSync(path, '2\n');
    writer.appendSync(3);
    await expect(writer.flush()).rejects.toMatchObject(notExclusive);
    await writer.close();
  });

  it('are noticed by a durable appendSync()', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const writer = await openWriter(path);
    writer.appendSync(1);
    appendFileSync(path, '2\n');
    expect(() => writer.appendSync(3)).toThrow(/somebody else changed it/);
    await writer.close();
  });

  it('are not noticed where the length of the file is not looked at (negative control)', async () => {
    const path = temporaryDirectory()('a.jsonl');
    let bytes = 0;
    const fileSystem = faultyFileSystem({ take: (_index, length) => ((bytes += length), length) });
    const writer = await openWriter(path, { fileSystem: { ...fileSystem, statSync: () => bytes } });
    await writer.append({ n: 1 });
    appendFileSync(path, '{"n":2,"te');
    await writer.append({ n: 3 });
    await writer.close();
  });
});

describe('a file that was cut while its only writer has it open', () => {
  it('is gone on with, as a log that is copied and cut to rotate it', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const writer = await openWriter(path);
    await writer.append('before');
    truncateSync(path, 0);
    await writer.append('after');
    expect(writer.bytes).toBe(8);
    await writer.append('more');
    await writer.close();
    expect((await readAll(path)).records).toEqual(['after', 'more']);
  });

  it('takes nothing more when a chain was cut with it', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const writer = await openWriter(path, { chain: { previous: chainStart } });
    await writer.append({ n: 1 });
    truncateSync(path, 0);
    await expect(writer.append({ n: 2 })).rejects.toMatchObject(notExclusive);
    await writer.close();
  });
});
