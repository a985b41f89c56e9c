import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JsonlError, openWriter, readAll, type WriterOptions } from '../../src/index.js';
import { useCompiledSource } from '../compile-source.js';
import { faultyFileSystem, systemError } from '../faulty-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

const compiled = useCompiledSource();

interface Event {
  readonly id: number;
  readonly text: string;
}

const event = (id: number): Event => ({ id, text: 'x'.repeat(30) });
const lineBytes = JSON.stringify(event(10)).length + 1;

/** Ids in all files of `a.jsonl`, the oldest file first. */
function readAllFiles(at: (name: string) => string): number[] {
  const found = readdirSync(at('.')).filter((name) => /^a\.jsonl(\.\d+(\.gz)?)?$/.test(name));
  // Until the next rotation both may be there, with the same content.
  const names = found.filter((name) => !name.endsWith('.gz') || !found.includes(name.slice(0, -3)));
  const order = (name: string): string => (name === 'a.jsonl' ? 'z' : name);
  names.sort((a, b) => (order(a) < order(b) ? -1 : 1));
  return names.flatMap((name) => {
    const bytes = readFileSync(at(name));
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => (JSON.parse(line) as Event).id);
  });
}

const numbers = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => from + n);

async function append(path: string, options: WriterOptions, ids: readonly number[]): Promise<void> {
  const writer = await openWriter<Event>(path, options);
  for (const id of ids) await writer.append(event(id));
  await writer.close();
}

describe('rotate', () => {
  const bytes = lineBytes * 3;

  it.each(['exclusive', 'locked'] as const)(
    'begins a new file before the limit is passed, and loses nothing (%s)',
    async (access) => {
      const at = temporaryDirectory();
      await append(at('a.jsonl'), { access, rotate: { bytes } }, numbers(10, 10));
      const names = ['a.jsonl', 'a.jsonl.000001', 'a.jsonl.000002', 'a.jsonl.000003'];
      expect(readdirSync(at('.')).sort()).toEqual(names);
      expect(names.map((name) => statSync(at(name)).size / lineBytes)).toEqual([1, 3, 3, 3]);
      expect(readAllFiles(at)).toEqual(numbers(10, 10));
    },
  );

  it('goes on with the numbers that are there, and touches no other file', async () => {
    const at = temporaryDirectory();
    const others = [
      'a.jsonl.000041',
      'a.jsonl.12',
      'a.jsonl.bak',
      'b.jsonl.000099',
      'a.jsonl.000007.x',
    ];
    for (const name of others) writeFileSync(at(name), '{"id":0}\n');
    await append(at('a.jsonl'), { rotate: { bytes, keep: 1 } }, numbers(10, 7));
    const rest = others.filter((name) => name !== 'a.jsonl.000041');
    expect(readdirSync(at('.')).sort()).toEqual([...rest, 'a.jsonl', 'a.jsonl.000043'].sort());
  });

  it('rotates in appendSync() and between groups of a burst as well', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter<Event>(at('a.jsonl'), { rotate: { bytes } });
    for (const id of numbers(10, 5)) writer.appendSync(event(id));
    await Promise.all(numbers(15, 20).map((id) => writer.append(event(id))));
    expect(writer.bytes).toBe(statSync(at('a.jsonl')).size);
    await writer.close();
    expect(readAllFiles(at)).toEqual(numbers(10, 25));
    for (const name of readdirSync(at('.'))) {
      expect(statSync(at(name)).size).toBeLessThanOrEqual(bytes);
    }
  });

  it('gives a group that is longer than the limit a file of its own', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter<Event>(at('a.jsonl'), { rotate: { bytes } });
    await writer.append(event(10));
    await writer.appendMany(numbers(11, 8).map(event));
    await writer.append(event(19));
    await writer.close();
    expect(statSync(at('a.jsonl.000002')).size).toBe(8 * lineBytes);
    expect(readAllFiles(at)).toEqual(numbers(10, 10));
  });

  it('keeps every file unless it is told how many to keep', async () => {
    const at = temporaryDirectory();
    await append(at('a.jsonl'), { rotate: { bytes } }, numbers(10, 60));
    expect(readdirSync(at('.'))).toHaveLength(20);
    await append(at('a.jsonl'), { rotate: { bytes, keep: 2 } }, numbers(70, 3));
    expect(readdirSync(at('.')).sort()).toEqual(['a.jsonl', 'a.jsonl.000019', 'a.jsonl.000020']);
    expect(readAllFiles(at)).toEqual(numbers(64, 9));
  });

  it.each(['20260101', '1764481234', '1764481234567890123'])(
    'takes no file for one of its own that others named by a date or a time (.%s)',
    async (ending) => {
      const at = temporaryDirectory();
      writeFileSync(at(`a.jsonl.${ending}`), 'not ours');
      await append(at('a.jsonl'), { rotate: { bytes } }, numbers(10, 10));
      rmSync(at(`a.jsonl.${ending}`));
      expect(readAllFiles(at)).toEqual(numbers(10, 10));
      writeFileSync(at(`a.jsonl.${ending}`), 'not ours');
      const rotate = { bytes, keep: 1, compress: 'gzip' } as const;
      await append(at('a.jsonl'), { rotate }, numbers(20, 10));
      expect(readFileSync(at(`a.jsonl.${ending}`), 'utf8')).toBe('not ours');
    },
  );

  it('replaces no file: a name that is taken is an error, and nothing is lost', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl.9999999'), '');
    writeFileSync(at('a.jsonl.10000000'), 'not ours');
    await append(at('a.jsonl'), {}, numbers(10, 3));
    await expect(append(at('a.jsonl'), { rotate: { bytes } }, [13])).rejects.toMatchObject({
      code: 'ORCH_JSONL_ROTATE_FAILED',
      message: expect.stringContaining('a.jsonl.10000000 is there already') as string,
    });
    expect(readFileSync(at('a.jsonl.10000000'), 'utf8')).toBe('not ours');
    expect((await readAll<Event>(at('a.jsonl'))).records.map(({ id }) => id)).toEqual([10, 11, 12]);
  });

  it('compresses full files, and finishes what an earlier process left', async () => {
    const at = temporaryDirectory();
    await append(at('a.jsonl'), { rotate: { bytes } }, numbers(10, 7));
    // The process died after the compressed file had its name, and before the other one went.
    writeFileSync(at('a.jsonl.000001.gz'), 'stands in for a whole file');
    const rotate = { bytes, keep: 10, compress: 'gzip' } as const;
    await append(at('a.jsonl'), { rotate }, numbers(17, 6));
    expect(readdirSync(at('.')).sort()).toEqual([
      'a.jsonl',
      ...[1, 2, 3, 4].map((n) => `a.jsonl.00000${n}.gz`),
    ]);
    expect(statSync(at('a.jsonl.000004.gz')).mode & 0o777).toBe(0o600);
    expect(readAllFiles(at)).toEqual(numbers(10, 13));
  });

  describe('what another process has half compressed', () => {
    const isPartial = (name: string): boolean => name.endsWith('.partial');

    /** A process that stops for ever when all but the name of a compressed file is there. */
    async function compressElsewhere(path: string): Promise<ChildProcess> {
      const program = `
        import { nodeFileSystem, openWriter } from ${JSON.stringify(pathToFileURL(compiled('index.js')).href)};
        let appended;
        const isAppended = new Promise((resolve) => (appended = resolve));
        const rename = async (from, to) => {
          if (!from.endsWith('.partial')) return nodeFileSystem.rename(from, to);
          await isAppended;
          console.log('compressed');
          setInterval(() => undefined, 1000);
          return new Promise(() => undefined);
        };
        const rotate = { bytes: ${bytes}, compress: 'gzip' };
        const fileSystem = { ...nodeFileSystem, rename };
        const writer = await openWriter(${JSON.stringify(path)}, { rotate, fileSystem });
        for (let id = 10; id < 20; id += 1) await writer.append({ id, text: 'x'.repeat(30) });
        appended();
        await writer.close();`;
      const argv = ['--input-type=module', '-e', program];
      const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      await once(child.stdout, 'data');
      return child;
    }

    it('goes with the next rotation once that process is gone, and not while it lives', async () => {
      const at = temporaryDirectory();
      const child = await compressElsewhere(at('a.jsonl'));
      const partials = readdirSync(at('.')).filter(isPartial);
      expect(partials).toHaveLength(1);
      const rotate = { bytes, keep: 100, compress: 'gzip' } as const;
      await append(at('a.jsonl'), { rotate }, numbers(20, 10));
      expect(readdirSync(at('.')).filter(isPartial)).toEqual(partials);
      // It did nothing at that moment but wait, for as long as it likes: age tells nothing.
      child.kill('SIGKILL');
      await once(child, 'exit');
      await append(at('a.jsonl'), { rotate }, numbers(30, 10));
      expect(readdirSync(at('.')).filter(isPartial)).toEqual([]);
      expect(readAllFiles(at).slice(-20)).toEqual(numbers(20, 20));
    });
  });

  it('lets many writers rotate one locked file', async () => {
    const at = temporaryDirectory();
    const options = { access: 'locked', rotate: { bytes } } as const;
    const writers = await Promise.all(
      Array.from({ length: 5 }, () => openWriter<Event>(at('a.jsonl'), options)),
    );
    await Promise.all(
      writers.map(async (writer, name) => {
        for (const id of numbers(10, 90)) {
          if (id % writers.length === name) await writer.append(event(id));
        }
      }),
    );
    for (const writer of writers) writer.appendSync(event(0));
    await Promise.all(writers.map((writer) => writer.close()));
    const found = readAllFiles(at).sort((a, b) => a - b);
    expect(found).toEqual([0, 0, 0, 0, 0, ...numbers(10, 90)]);
    for (const name of readdirSync(at('.'))) {
      expect((await readAll(at(name))).faults).toEqual([]);
      expect(statSync(at(name)).size).toBeLessThanOrEqual(bytes);
    }
  });
});

describe('a failure while a file is rotated', () => {
  const calls = [
    'list',
    'rename',
    'fsyncDirectory',
    'open',
    'close',
    'fdatasync',
    'write',
    'writeSync',
    'read',
    'remove',
  ];

  it.each(calls)(
    'at %s loses no acknowledged record, and a new writer goes on',
    async (failing) => {
      let failures = 0;
      for (const compress of [undefined, 'gzip'] as const) {
        for (let index = 0; index < 12; index += 1) {
          const at = temporaryDirectory();
          const fileSystem = faultyFileSystem({
            before: (call, nth) => {
              if (call === failing && nth === index) throw systemError('EIO', call);
            },
          });
          const rotate = { bytes: lineBytes * 2, ...(compress && { compress }) };
          const acknowledged: number[] = [];
          const note = (error: unknown): void => {
            expect(JsonlError.isInstance(error) && error.message).toContain(at('a.jsonl'));
            failures += 1;
          };
          try {
            const writer = await openWriter<Event>(at('a.jsonl'), { rotate, fileSystem });
            for (const id of numbers(10, 7)) {
              await writer.append(event(id)).then(() => acknowledged.push(id), note);
            }
            await writer.close().catch(note);
          } catch (error) {
            note(error);
          }
          expect(readAllFiles(at)).toEqual(acknowledged);
          await append(at('a.jsonl'), { rotate }, [99]);
          expect(readAllFiles(at)).toEqual([...acknowledged, 99]);
        }
      }
      expect(failures).toBeGreaterThan(0);
    },
  );
});
