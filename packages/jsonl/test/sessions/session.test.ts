import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../src/index.js';
import {
  openSession,
  readSession,
  redactValues,
  sessionEnd,
  type SessionRecord,
} from '../../src/sessions/index.js';
import { faultyFileSystem, systemError } from '../faulty-file-system.js';
import { durableImage, recordFileSystem } from '../recording-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) };
const at = '2026-01-02T03:04:05.006Z';

describe('openSession()', () => {
  it('records in order, numbered from 1, with the time and the raw event', async () => {
    const path = temporaryDirectory()('fix.1.jsonl');
    const session = await openSession(path, { clock });
    session.record('message.user', { text: 'hello' });
    session.record('custom.kind', [1], { type: 'driver', event: 7 });
    session.record('notice', undefined);
    await session.end({ outcome: 'completed' });
    await session.close();
    const records: SessionRecord[] = [
      { v: 1, seq: 1, at, kind: 'message.user', data: { text: 'hello' } },
      { v: 1, seq: 2, at, kind: 'custom.kind', data: [1], raw: { type: 'driver', event: 7 } },
      { v: 1, seq: 3, at, kind: 'notice', data: null },
      { v: 1, seq: 4, at, kind: 'end', data: { outcome: 'completed' } },
    ];
    expect(await readSession(path)).toEqual({ records, faults: [], foreign: [] });
    expect(await sessionEnd(path)).toEqual({ outcome: 'completed' });
    expect(session.opened).toEqual({ bytes: 0, created: true, lastSeq: 0 });
  });

  it('has everything on the disk when end() resolves', async () => {
    const path = temporaryDirectory()('fix.1.jsonl');
    const { fileSystem, moments, count } = recordFileSystem();
    const session = await openSession(path, { fileSystem });
    for (let n = 0; n < 10; n += 1) session.record('text', { n });
    expect(count('fdatasync')).toBe(0);
    await session.end({ outcome: 'completed' });
    const durable = durableImage(moments).toString();
    expect(durable.split('\n')).toHaveLength(12);
    expect(durable).toContain('"kind":"end"');
    // Negative control: the same calls without the sync.
    const without = moments.filter(({ call }) => call !== 'fdatasync');
    expect(durableImage(without).toString()).toBe('');
    await session.close();
  });

  it('goes on with seq after the last whole record, wherever the file was torn', async () => {
    const name = temporaryDirectory();
    const first = await openSession(name('whole.jsonl'), { clock });
    for (let n = 1; n <= 4; n += 1) first.record('text', { n });
    await first.close();
    const whole = readFileSync(name('whole.jsonl'));
    const ends = [...whole.keys()].filter((index) => whole[index] === 10);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const path = name(`${cut}.jsonl`);
      writeFileSync(path, whole.subarray(0, cut));
      const lastSeq = ends.filter((end) => end <= cut).length;
      const second = await openSession(path, { clock });
      expect(second.opened.lastSeq).toBe(lastSeq);
      second.record('text', { n: 'again' });
      await second.close();
      const { records, foreign } = await readSession(path);
      expect(records.map(({ seq }) => seq)).toEqual(
        Array.from({ length: lastSeq + 1 }, (_, n) => n + 1),
      );
      expect(foreign).toEqual([]);
    }
  });

  it('refuses what cannot be recorded, at once, and leaves no gap', async () => {
    const path = temporaryDirectory()('fix.1.jsonl');
    const session = await openSession(path);
    expect(() => session.record('', {})).toThrow(TypeError);
    expect(() => session.record('text', { n: 1n })).toThrow(TypeError);
    expect(() => session.record('text', () => 1)).toThrow(TypeError);
    expect(() => session.record('text', {}, Symbol('s'))).toThrow(TypeError);
    await expect(session.end({ n: 1n })).rejects.toBeInstanceOf(TypeError);
    session.record('text', 'first');
    await session.close();
    expect(() => session.record('text', 'late')).toThrow(/was closed/);
    expect((await readSession(path)).records.map(({ seq, data }) => [seq, data])).toEqual([
      [1, 'first'],
    ]);
  });

  const full = (from: number) =>
    faultyFileSystem({
      before: (call, index) => {
        if ((call === 'write' || call === 'writeSync') && index >= from)
          throw systemError('ENOSPC', call);
      },
    });

  it('tells at end() that something could not be written', async () => {
    const path = temporaryDirectory()('fix.1.jsonl');
    const session = await openSession(path, { fileSystem: full(1) });
    session.record('text', 'kept');
    await session.flush();
    session.record('text', 'lost');
    await expect(session.end({ outcome: 'completed' })).rejects.toMatchObject({
      code: 'ORCH_JSONL_DISK_FULL',
    });
    await session.close();
    expect(await sessionEnd(path)).toBeUndefined();
    expect((await readSession(path)).records).toMatchObject([{ data: 'kept' }]);
  });

  it('tells at once, and once, whoever asked for it: nothing more is recorded', async () => {
    const path = temporaryDirectory()('fix.1.jsonl');
    const failures: unknown[] = [];
    const session = await openSession(path, {
      fileSystem: full(1),
      onFailure: (error) => failures.push(error),
    });
    session.record('text', 'kept');
    await session.flush();
    expect(failures).toEqual([]);
    session.record('text', 'lost');
    session.record('text', 'lost as well');
    await expect.poll(() => failures.length).toBe(1);
    expect(failures[0]).toMatchObject({ code: 'ORCH_JSONL_DISK_FULL' });
    await expect(session.close()).rejects.toMatchObject({ code: 'ORCH_JSONL_DISK_FULL' });
    expect(failures).toHaveLength(1);
  });

  it('tells at close() when nobody was told before', async () => {
    const path = temporaryDirectory()('fix.1.jsonl');
    const session = await openSession(path, { fileSystem: full(0) });
    session.record('text', 'lost');
    await expect(session.close()).rejects.toMatchObject({ code: 'ORCH_JSONL_DISK_FULL' });
  });

  it('replaces secrets in data and in raw before the first write', async () => {
    const path = temporaryDirectory()('fix.1.jsonl');
    const { fileSystem, moments } = recordFileSystem();
    const secret = 'line one\n"quoted" \\ käse';
    const session = await openSession(path, { redact: redactValues([secret]), fileSystem });
    session.record('tool.result', { output: `before ${secret} after` }, { raw: [secret] });
    await session.end({ summary: secret });
    await session.close();
    const written = Buffer.concat(moments.flatMap(({ bytes = [] }) => bytes)).toString();
    expect(written).toContain('before [redacted] after');
    expect(written).not.toContain('quoted');
    const { records } = await readSession(path);
    expect(records[0]).toMatchObject({
      data: { output: 'before [redacted] after' },
      raw: { raw: ['[redacted]'] },
    });
    expect(await sessionEnd(path)).toEqual({ summary: '[redacted]' });
  });
});

describe('readSession()', () => {
  it('keeps unknown kinds and fields, and says which lines are no session records', async () => {
    const path = temporaryDirectory()('fix.1.jsonl');
    const record = { v: 1, seq: 1, at, kind: 'from.the.future', data: 1, more: true };
    writeFileSync(
      path,
      `${JSON.stringify(record)}\n{"hello":1}\n{"v":1,"seq":0,"kind":"x"}\n{"v":1,"s`,
    );
    expect(await readSession(path)).toEqual({
      records: [record],
      foreign: [
        { line: 2, byteStart: 94, byteEnd: 106 },
        { line: 3, byteStart: 106, byteEnd: 133 },
      ],
      faults: [{ kind: 'torn_tail', byteStart: 133, byteEnd: 142, line: 4 }],
    });
  });

  it('refuses a newer format, and so do openSession() and sessionEnd()', async () => {
    const path = temporaryDirectory()('fix.1.jsonl');
    writeFileSync(path, `${JSON.stringify({ v: 2, seq: 1, at, kind: 'end', data: 1 })}\n`);
    const code = { code: 'ORCH_JSONL_SESSION_VERSION' };
    await expect(readSession(path)).rejects.toMatchObject(code);
    await expect(openSession(path)).rejects.toMatchObject(code);
    await expect(sessionEnd(path)).rejects.toMatchObject(code);
  });

  it('fails with a typed error without a file', async () => {
    const path = temporaryDirectory()('absent.jsonl');
    await expect(readSession(path)).rejects.toMatchObject({ code: 'ORCH_JSONL_NOT_FOUND' });
  });
});

describe('sessionEnd()', () => {
  it('gives nothing for no file, an empty file, and a session without an end', async () => {
    const name = temporaryDirectory();
    expect(await sessionEnd(name('absent.jsonl'))).toBeUndefined();
    writeFileSync(name('a.jsonl'), '');
    expect(await sessionEnd(name('a.jsonl'))).toBeUndefined();
    const session = await openSession(name('a.jsonl'));
    for (let n = 0; n < 3000; n += 1) session.record('text', 'the word "end" is no end');
    await session.close();
    expect(await sessionEnd(name('a.jsonl'))).toBeUndefined();
  });

  it('finds the end at every cut of the file that leaves it whole, and at no other', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const session = await openSession(path);
    session.record('text', { text: 'käse' });
    await session.end({ deep: { kind: 'end' }, text: '}' });
    session.record('notice', 'after the end');
    await session.close();
    const bytes = readFileSync(path);
    const endLine = bytes.indexOf('\n', bytes.indexOf('"kind":"end"'));
    for (let cut = bytes.length; cut >= 0; cut -= 1) {
      truncateSync(path, cut);
      const found = await sessionEnd(path);
      expect(found).toEqual(cut >= endLine ? { deep: { kind: 'end' }, text: '}' } : undefined);
    }
  });

  it('finds it behind a long tail and reads no more than it must', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const session = await openSession(path);
    for (let n = 0; n < 500; n += 1) session.record('text', 'x'.repeat(10_000));
    await session.end({ text: 'y'.repeat(200_000) });
    session.record('notice', 'z'.repeat(300_000));
    await session.close();
    appendFileSync(path, '{"v":1,"seq":9,"to');
    let read = 0;
    const fileSystem = {
      ...nodeFileSystem,
      read: async (file: number, bytes: Uint8Array, position: number) => {
        const count = await nodeFileSystem.read(file, bytes, position);
        read += count;
        return count;
      },
    };
    expect(await sessionEnd(path, { fileSystem })).toEqual({ text: 'y'.repeat(200_000) });
    expect(read).toBeLessThan(2_500_000);
  });

  it('passes over a line that is too long to be held', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const end = JSON.stringify({ v: 1, seq: 1, at, kind: 'end', data: 'done' });
    writeFileSync(path, `${end}\n`);
    // A hole: a line longer than any string, that takes no space.
    truncateSync(path, 700_000_000);
    appendFileSync(path, '\n{"torn');
    expect(await sessionEnd(path)).toBe('done');
  }, 60_000);

  it('syncs the end before it gives it, as a killed process may not have', async () => {
    const path = temporaryDirectory()('a.jsonl');
    writeFileSync(path, `${JSON.stringify({ v: 1, seq: 1, at, kind: 'end', data: 'done' })}\n`);
    const { fileSystem, count } = recordFileSystem();
    expect(await sessionEnd(path, { fileSystem })).toBe('done');
    expect(count('fdatasync')).toBe(1);
    const failing = faultyFileSystem({
      before: (call) => {
        if (call === 'fdatasync') throw systemError('EIO', call);
      },
    });
    await expect(sessionEnd(path, { fileSystem: failing })).rejects.toMatchObject({
      code: 'ORCH_JSONL_SYNC_FAILED',
    });
  });
});
