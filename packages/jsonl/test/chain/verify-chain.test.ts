import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  chainStart,
  openWriter,
  readAll,
  verifyChain,
  type ChainCheck,
  type ChainHeld,
} from '../../src/index.js';
import { bytesFileSystem } from '../bytes-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

const chain = { previous: chainStart };

interface Event {
  readonly seq: number;
}

/** A chained file of 60 records in groups of 1 to 6, as a journal has them. */
interface Journal {
  readonly bytes: Buffer;
  readonly head: string;
  /** Where each record and each group ends. */
  readonly recordEnds: readonly number[];
  readonly groups: readonly ChainHeld[];
}

async function makeJournal(path: string): Promise<Journal> {
  const writer = await openWriter<Event & Record<string, unknown>>(path, {
    chain,
    durability: 'kernel',
  });
  const groups: ChainHeld[] = [];
  let seq = 0;
  for (let size = 1; seq < 60; size = (size % 6) + 1) {
    const events = Array.from({ length: Math.min(size, 60 - seq) }, () => ({
      v: 1,
      seq: (seq += 1),
      type: 'attempt.ended',
      // Looks like a seal, but is none.
      data: seq % 10 === 3 ? { text: '😀', hash: 'a'.repeat(64) } : [seq],
    }));
    await writer.appendMany(events);
    groups.push({
      head: writer.head ?? '',
      bytes: writer.bytes ?? 0,
      records: seq,
      groups: groups.length + 1,
    });
  }
  await writer.close();
  const bytes = readFileSync(path);
  const recordEnds: number[] = [];
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, end + 1))
    recordEnds.push(end + 1);
  return { bytes, head: writer.head ?? '', recordEnds, groups };
}

let journal: Journal;
beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'jsonl-'));
  journal = await makeJournal(join(directory, 'journal.jsonl'));
  rmSync(directory, { recursive: true });
});

const verify = (bytes: Buffer, until = Infinity): Promise<ChainCheck> =>
  verifyChain('memory', { ...chain, until, fileSystem: bytesFileSystem(bytes) });

/** Whether a check tells these bytes from the whole journal, as somebody sees who kept its head. */
function isDetected(check: ChainCheck): boolean {
  return check.broken !== undefined || check.unsealed !== undefined || check.head !== journal.head;
}

describe('a chained file', () => {
  it('is sealed once for each group, over the hash before and all lines of the group', () => {
    const lines = journal.bytes.toString().split('\n').slice(0, -1);
    expect(lines).toHaveLength(60);
    expect(lines.filter((line) => /,"hash":"[0-9a-f]{64}"\}$/.test(line))).toHaveLength(
      journal.groups.length,
    );
    // The second group has two records; this is the rule, written a second time.
    const [first, second, third] = lines.map((line) => JSON.parse(line) as { hash?: string });
    expect(second).not.toHaveProperty('hash');
    const group = `${lines[1]}\n${lines[2]?.replace(/,"hash":"[0-9a-f]{64}"(?=\}$)/, '')}\n`;
    const hash = createHash('sha256').update(`${first?.hash}${group}`).digest('hex');
    expect(third?.hash).toBe(hash);
  });

  it('verifies, whole and up to every group', async () => {
    expect(await verify(journal.bytes)).toEqual(journal.groups.at(-1));
    for (const group of journal.groups)
      expect(await verify(journal.bytes, group.bytes)).toEqual(group);
    for (const chunk of [1, 7, 76, 1000]) {
      const fileSystem = bytesFileSystem(journal.bytes, chunk);
      expect(await verifyChain('memory', { ...chain, fileSystem })).toEqual(journal.groups.at(-1));
    }
  });

  it('does not verify after another hash', async () => {
    const fileSystem = bytesFileSystem(journal.bytes);
    const check = await verifyChain('memory', { previous: '1'.repeat(64), fileSystem });
    expect(check).toEqual({
      broken: {
        reason: 'hash_mismatch',
        byteStart: 0,
        byteEnd: journal.groups[0]?.bytes,
        held: { head: '1'.repeat(64), bytes: 0, records: 0, groups: 0 },
      },
    });
  });

  it('cut at every byte gives exactly the records before the cut, and verifies up to the last group', async () => {
    const all = await readAll<Event>('memory', { fileSystem: bytesFileSystem(journal.bytes) });
    const whole = all.records.map((record) => JSON.stringify(record));
    const none: ChainHeld = { head: chainStart, bytes: 0, records: 0, groups: 0 };
    for (let cut = 0; cut <= journal.bytes.length; cut += 1) {
      const part = journal.bytes.subarray(0, cut);
      const { records, faults } = await readAll<Event>('memory', {
        fileSystem: bytesFileSystem(part),
      });
      // A record that only lacks its newline is whole.
      const complete = journal.recordEnds.filter((end) => end - 1 <= cut).length;
      const last = journal.recordEnds.findLast((end) => end - 1 <= cut) ?? 0;
      expect(records.map((record) => JSON.stringify(record))).toEqual(whole.slice(0, complete));
      const isTorn = cut > last;
      expect(faults).toEqual(
        isTorn ? [{ kind: 'torn_tail', byteStart: last, byteEnd: cut, line: complete + 1 }] : [],
      );

      const check = await verify(part);
      const held = journal.groups.findLast(({ bytes }) => bytes <= cut) ?? none;
      if (cut === held.bytes) expect(check).toEqual(held);
      else {
        const unsealed =
          journal.recordEnds.filter((end) => end <= cut).length -
          held.records +
          (journal.recordEnds.includes(cut) ? 0 : 1);
        expect(check).toEqual({
          ...held,
          unsealed: { records: unsealed, byteStart: held.bytes, byteEnd: cut },
        });
      }
    }
  }, 60_000);

  it('shows one changed byte, wherever it is, and names the group', async () => {
    let seen = 0;
    for (let position = 0; position < journal.bytes.length; position += 1) {
      const changed = Buffer.from(journal.bytes);
      changed[position] = (changed[position] ?? 0) ^ (1 << (position % 8));
      const check = await verify(changed);
      expect(isDetected(check), `byte ${position}`).toBe(true);
      // What is said to hold is exactly what precedes the group that was changed.
      const held = check.broken?.held ?? check;
      expect(held).toMatchObject(
        journal.groups.findLast(({ bytes }) => bytes <= position) ?? { bytes: 0, records: 0 },
      );
      seen += 1;
    }
    expect(seen).toBe(journal.bytes.length);
  }, 60_000);

  it('shows nothing changed where nothing was (negative control)', async () => {
    expect(isDetected(await verify(Buffer.from(journal.bytes)))).toBe(false);
  });

  it('shows a record removed, repeated, or moved, and a group removed or moved', async () => {
    const lines = journal.bytes.toString().split('\n').slice(0, -1);
    const put = (changed: readonly string[]): Promise<ChainCheck> =>
      verify(Buffer.from(changed.map((line) => `${line}\n`).join('')));
    const swap = [lines[0], lines[2], lines[1], ...lines.slice(3)] as string[];
    for (const changed of [
      lines.toSpliced(1, 1),
      lines.toSpliced(1, 0, lines[1] ?? ''),
      swap,
      lines.toSpliced(1, 2),
      lines.toSpliced(30, 0, ''),
    ]) {
      expect(isDetected(await put(changed))).toBe(true);
    }
  });

  it('that is shorter than `until` is broken', async () => {
    const size = journal.bytes.length;
    expect(await verify(journal.bytes, size + 5)).toEqual({
      broken: {
        reason: 'too_short',
        byteStart: size,
        byteEnd: size + 5,
        held: journal.groups.at(-1),
      },
    });
  });
});

describe('append() in a chain', () => {
  it('refuses a record that the seal could not be a property of, and goes on', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'), { chain });
    for (const value of ['text', [1], 5, null, { hash: 'mine' }, { a: 1, hash: null }]) {
      await expect(writer.append(value)).rejects.toBeInstanceOf(TypeError);
    }
    await writer.append({ nested: { hash: 'mine' }, text: '"hash":' });
    await writer.append({});
    await writer.close();
    const { records } = await readAll<object>(at('a.jsonl'));
    expect(Object.keys(records[0] ?? {})).toEqual(['nested', 'text', 'hash']);
    expect(Object.keys(records[1] ?? {})).toEqual(['hash']);
    const check = await verifyChain(at('a.jsonl'), chain);
    expect(check).toEqual({ head: writer.head, bytes: writer.bytes, records: 2, groups: 2 });
  });

  it('counts the seal in the bytes of the record that carries it', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'), { chain });
    const results = await Promise.all([writer.append({ a: 1 }), writer.append({ b: 2 })]);
    writer.appendSync({ c: 3 });
    await writer.close();
    expect(results.map(({ bytes }) => bytes)).toEqual([8, 8 + 74]);
    expect(await verifyChain(at('a.jsonl'), chain)).toMatchObject({ groups: 2, records: 3 });
  });

  it('verifies with lines far longer than what is read at a time', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'), { chain });
    for (const size of [262_000, 262_144, 600_000]) await writer.append({ text: 'x'.repeat(size) });
    await writer.close();
    const check = await verifyChain(at('a.jsonl'), chain);
    expect(check).toEqual({ head: writer.head, bytes: writer.bytes, records: 3, groups: 3 });
  });

  it('verifies from one file to the next', async () => {
    const at = temporaryDirectory();
    const first = await openWriter(at('1.jsonl'), { chain, create: 'new' });
    await first.append({ n: 1 });
    await first.close();
    const previous = first.head ?? '';
    const second = await openWriter(at('2.jsonl'), { chain: { previous }, create: 'new' });
    expect(second.head).toBe(previous);
    await second.append({ n: 2 });
    await second.close();
    expect(await verifyChain(at('2.jsonl'), { previous })).toMatchObject({ head: second.head });
    expect((await verifyChain(at('2.jsonl'), chain)).broken?.reason).toBe('hash_mismatch');
  });
});

describe('verifyChain()', () => {
  it('fails with a typed error without a file, and with a TypeError without a hash', async () => {
    const at = temporaryDirectory();
    await expect(verifyChain(at('a.jsonl'), chain)).rejects.toMatchObject({
      code: 'ORCH_JSONL_NOT_FOUND',
    });
    await expect(verifyChain(at('a.jsonl'), { previous: '' })).rejects.toBeInstanceOf(TypeError);
  });

  it('reads a file that was compressed since as its text', async () => {
    const at = temporaryDirectory();
    const journal = await makeJournal(at('a.jsonl'));
    const plain = await verifyChain(at('a.jsonl'), chain);
    writeFileSync(at('a.jsonl.gz'), gzipSync(journal.bytes));
    expect(await verifyChain(at('a.jsonl.gz'), chain)).toEqual(plain);
    const changed = journal.bytes.toString().replace('"seq":30', '"seq":31');
    writeFileSync(at('a.jsonl.gz'), gzipSync(changed));
    expect((await verifyChain(at('a.jsonl.gz'), chain)).broken?.reason).toBe('hash_mismatch');
    writeFileSync(at('a.jsonl.gz'), gzipSync(journal.bytes).subarray(0, -20));
    await expect(verifyChain(at('a.jsonl.gz'), chain)).rejects.toMatchObject({
      code: 'ORCH_JSONL_READ_FAILED',
    });
  });

  it('reports all of a file without seals as unsealed', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '{"n":1}\n\n{"n":2}');
    expect(await verifyChain(at('a.jsonl'), chain)).toEqual({
      head: chainStart,
      bytes: 0,
      records: 0,
      groups: 0,
      unsealed: { records: 2, byteStart: 0, byteEnd: 16 },
    });
  });
});
