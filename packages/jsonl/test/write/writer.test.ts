import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  chainStart,
  JsonlError,
  nodeFileSystem,
  openWriter,
  readAll,
  type WriterOptions,
} from '../../src/index.js';
import { recordFileSystem } from '../recording-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => 'nothing was thrown',
    (reason: unknown) => reason,
  );
  return JsonlError.isInstance(error) ? error.code : String(error);
}

describe('append()', () => {
  it('writes records in the order of the calls, each on a line of its own', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter<{ n: number }>(at('a.jsonl'));
    const results = await Promise.all([1, 2, 3].map((n) => writer.append({ n })));
    await writer.close();
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe('{"n":1}\n{"n":2}\n{"n":3}\n');
    expect(results).toEqual([{ bytes: 8 }, { bytes: 8 }, { bytes: 8 }]);
  });

  it('commits what is appended in one turn with one write and one sync', async () => {
    const at = temporaryDirectory();
    const { fileSystem, count } = recordFileSystem();
    const writer = await openWriter(at('a.jsonl'), { fileSystem });
    await Promise.all(Array.from({ length: 500 }, (_, n) => writer.append({ n })));
    expect([count('writeSync'), count('fdatasync')]).toEqual([1, 1]);
    await writer.close();
  });

  it('makes one group of everything appended while a group is in flight', async () => {
    const at = temporaryDirectory();
    const recording = recordFileSystem();
    const writer = await openWriter(at('a.jsonl'), { fileSystem: recording.fileSystem });
    const rest: Promise<unknown>[] = [];
    const fileSystem = recording.fileSystem;
    const write = fileSystem.writeSync.bind(fileSystem);
    fileSystem.writeSync = (file, bytes, start, end) => {
      const first = rest.length === 0;
      if (first) for (let n = 1; n <= 100; n += 1) rest.push(writer.append({ n }));
      return write(file, bytes, start, end);
    };
    await writer.append({ n: 0 });
    await Promise.all(rest);
    expect([recording.count('writeSync'), recording.count('fdatasync')]).toEqual([2, 2]);
    await writer.close();
    const { records } = await readAll<{ n: number }>(at('a.jsonl'));
    expect(records.map(({ n }) => n)).toEqual(Array.from({ length: 101 }, (_, n) => n));
  });

  it('hands large groups, and whatever is not synced, to a thread, so that other work goes on', async () => {
    const at = temporaryDirectory();
    const { fileSystem, count } = recordFileSystem();
    const writer = await openWriter(at('a.jsonl'), { fileSystem });
    await writer.append('x'.repeat(300_000));
    expect([count('write'), count('writeSync')]).toEqual([1, 0]);
    await writer.append('small');
    expect([count('write'), count('writeSync')]).toEqual([1, 1]);
    await writer.close();
    const unsynced = await openWriter(at('b.jsonl'), { fileSystem, durability: 'kernel' });
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 0);
    for (let n = 0; turns < 3 && n < 100_000; n += 1) await unsynced.append(n);
    clearInterval(timer);
    await unsynced.close();
    expect(turns).toBe(3);
    expect(count('writeSync')).toBe(1);
  });

  it("gives each call a sync of its own with durability 'sync'", async () => {
    const at = temporaryDirectory();
    const { fileSystem, count } = recordFileSystem();
    const writer = await openWriter(at('a.jsonl'), { durability: 'sync', fileSystem });
    await Promise.all([writer.append(1), writer.append(2), writer.appendMany([3, 4])]);
    await writer.close();
    expect([count('writeSync'), count('fdatasync')]).toEqual([3, 3]);
  });

  it.each(['none', 'kernel'] as const)(
    "does not sync with durability '%s' until flush()",
    async (durability) => {
      const at = temporaryDirectory();
      const { fileSystem, count } = recordFileSystem();
      const writer = await openWriter(at('a.jsonl'), { durability, fileSystem });
      await writer.append({ n: 1 });
      expect(count('fdatasync')).toBe(0);
      await writer.flush();
      expect(count('fdatasync')).toBe(1);
      await writer.flush();
      expect(count('fdatasync')).toBe(1);
      await writer.append({ n: 2 });
      await writer.close();
      expect((await readAll(at('a.jsonl'))).records).toHaveLength(2);
    },
  );

  it('divides what waits into groups of at most maxBatchBytes', async () => {
    const at = temporaryDirectory();
    const { fileSystem, count } = recordFileSystem();
    const writer = await openWriter(at('a.jsonl'), { maxBatchBytes: 100, fileSystem });
    await Promise.all(Array.from({ length: 20 }, () => writer.append('x'.repeat(37))));
    expect(count('writeSync')).toBe(10);
    await writer.append('x'.repeat(1000));
    expect(count('writeSync')).toBe(11);
    await writer.close();
  });

  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a BigInt', { n: 1n }],
    [
      'a cycle',
      Object.defineProperty<object>({}, 'self', {
        enumerable: true,
        get() {
          return this as object;
        },
      }),
    ],
  ])('rejects %s with a TypeError and goes on', async (_name, value) => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'));
    const results = await Promise.allSettled([
      writer.append('before'),
      writer.append(value),
      writer.append('after'),
    ]);
    await writer.close();
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((results[1] as PromiseRejectedResult).reason).toBeInstanceOf(TypeError);
    expect((await readAll(at('a.jsonl'))).records).toEqual(['before', 'after']);
  });

  it('replaces half surrogate pairs and leaves everything else as it is', async () => {
    const at = temporaryDirectory();
    const value = {
      whole: '😀 \u2028 \u0000 "quoted" \\',
      high: 'cut \ud83d',
      low: '\ude00 cut',
      text: 'the text \\ud83d, not an escape',
      '\ud83d': '\ud83d\ud83d\ude00',
    };
    const writer = await openWriter(at('a.jsonl'));
    await writer.append(value);
    await writer.close();
    expect(readFileSync(at('a.jsonl'), 'utf8')).not.toMatch(/[^\\]\\ud83d/);
    expect((await readAll(at('a.jsonl'))).records).toEqual([
      {
        whole: value.whole,
        high: 'cut \ufffd',
        low: '\ufffd cut',
        text: value.text,
        '\ufffd': '\ufffd😀',
      },
    ]);
  });

  const long = 'x'.repeat(5000);
  const half = '\ud83d';
  it.each<[string, unknown]>([
    ['a text', { long, half }],
    ['a name', { long, [half]: 1 }],
    ['a list', { long, list: [[1, half]] }],
    ['a text after thousands of values', { list: Array.from({ length: 5000 }, () => 1), half }],
    ['what toJSON gives', { long, nested: { toJSON: () => ({ half }) } }],
    [
      'what toJSON of a function gives',
      { long, nested: Object.assign(() => 1, { toJSON: () => half }) },
    ],
    ['a boxed text', { long, half: new String(half) }],
    [
      'an instance of a class',
      {
        long,
        nested: new (class {
          half = half;
        })(),
      },
    ],
    [
      'an object without prototype',
      { long, nested: Object.assign(Object.create(null) as object, { half }) },
    ],
    ['a text with other characters', `${long} 😀 ${half}`],
  ])('replaces half surrogate pairs of a long record in %s', async (_, value) => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'));
    await writer.append(value);
    await writer.append({ long, whole: '😀' });
    await writer.close();
    const written = readFileSync(at('a.jsonl'), 'utf8');
    expect(written).not.toContain('\\ud83d');
    expect(written).toContain('\ufffd');
    expect(written).toContain('😀');
  });

  it('refuses after close()', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'));
    const last = writer.append(1);
    const closed = writer.close();
    expect(await codeOf(writer.append(2))).toBe('ORCH_JSONL_CLOSED');
    await expect(last).resolves.toEqual({ bytes: 2 });
    await closed;
    await writer.close();
    expect(await codeOf(writer.flush())).toBe('ORCH_JSONL_CLOSED');
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe('1\n');
  });
});

describe('appendMany()', () => {
  it('keeps its records together in one group, however large', async () => {
    const at = temporaryDirectory();
    const { fileSystem, count } = recordFileSystem();
    const writer = await openWriter(at('a.jsonl'), { maxBatchBytes: 10, fileSystem });
    const values = Array.from({ length: 2000 }, (_, n) => ({ n }));
    const { bytes } = await writer.appendMany(values);
    expect(count('writeSync')).toBe(1);
    expect(bytes).toBe(statSync(at('a.jsonl')).size);
    expect(writer.bytes).toBe(bytes);
    await expect(writer.appendMany([])).resolves.toEqual({ bytes: 0 });
    await writer.close();
    expect((await readAll(at('a.jsonl'))).records).toEqual(values);
  });

  it('writes none of them when one cannot be written', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'));
    await expect(writer.appendMany([1, undefined, 3])).rejects.toBeInstanceOf(TypeError);
    await writer.close();
    expect(statSync(at('a.jsonl')).size).toBe(0);
  });
});

describe('appendSync()', () => {
  it.each<WriterOptions>([{}, { access: 'shared' }, { chain: { previous: chainStart } }])(
    'writes records of every length, while its buffer grows and afterwards: %j',
    async (options) => {
      const at = temporaryDirectory();
      const writer = await openWriter(at('a.jsonl'), { durability: 'none', ...options });
      // Three bytes a character: the most that one takes.
      const texts = Array.from({ length: 3000 }, (_, n) =>
        '\u20ac'.repeat(n < 1500 ? n : 3000 - n),
      );
      for (const text of texts) writer.appendSync({ text });
      await writer.close();
      const { records } = await readAll<{ text: string }>(at('a.jsonl'));
      expect(records.map(({ text }) => text)).toEqual(texts);
      expect(readFileSync(at('a.jsonl'), 'utf8').split('\n').filter(Boolean)).toHaveLength(3000);
    },
  );

  it.each([10, 200_000])(
    'writes what it was given, %i characters, with a file system that appends its calls elsewhere',
    async (length) => {
      const at = temporaryDirectory();
      const calls = await openWriter(at('calls.jsonl'), { durability: 'none' });
      const writer = await openWriter<string>(at('a.jsonl'), {
        fileSystem: {
          ...nodeFileSystem,
          writeSync(...given) {
            calls.appendSync({ call: 'writeSync', text: 'y'.repeat(length) });
            return nodeFileSystem.writeSync(...given);
          },
        },
      });
      const texts = ['first', 'second'].map((text) => text.padEnd(length, '.'));
      for (const text of texts) writer.appendSync(text);
      await writer.close();
      await calls.close();
      expect((await readAll(at('a.jsonl'))).records).toEqual(texts);
    },
  );

  it('writes and syncs before it returns, after everything appended before', async () => {
    const at = temporaryDirectory();
    const { fileSystem, count } = recordFileSystem();
    const writer = await openWriter(at('a.jsonl'), { fileSystem });
    const waiting = writer.append('first');
    expect(writer.appendSync('second')).toEqual({ bytes: 9 });
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe('"first"\n"second"\n');
    expect(count('fdatasyncSync')).toBe(1);
    await expect(waiting).resolves.toEqual({ bytes: 8 });
    await writer.append('third');
    await writer.close();
    expect((await readAll(at('a.jsonl'))).records).toEqual(['first', 'second', 'third']);
  });

  it('refuses while an asynchronous group is being written', async () => {
    const at = temporaryDirectory();
    const { fileSystem } = recordFileSystem();
    const writer = await openWriter(at('a.jsonl'), { fileSystem });
    const fdatasync = fileSystem.fdatasync.bind(fileSystem);
    let refused: unknown;
    fileSystem.fdatasync = async (file) => {
      try {
        writer.appendSync('between');
      } catch (error) {
        refused = error;
      }
      return fdatasync(file);
    };
    await writer.append('first');
    expect(JsonlError.isInstance(refused) && refused.code).toBe('ORCH_JSONL_BUSY');
    writer.appendSync('second');
    await writer.close();
    expect((await readAll(at('a.jsonl'))).records).toEqual(['first', 'second']);
  });
});

describe('redact', () => {
  it('sees every line before it is written', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'), {
      redact: (line) => line.replace('hunter2', 'gone'),
    });
    await writer.append({ password: 'hunter2' });
    writer.appendSync({ password: 'hunter2' });
    await writer.close();
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe('{"password":"gone"}\n'.repeat(2));
  });

  it.each([
    ['no JSON', () => '{"a":'],
    ['nothing', () => undefined as unknown as string],
  ])('writes nothing when it returns %s', async (_name, redact) => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'), { redact });
    const error: unknown = await writer
      .append({ secret: 'hunter2' })
      .catch((reason: unknown) => reason);
    await writer.close();
    expect(JsonlError.isInstance(error) && error.code).toBe('ORCH_JSONL_REDACTION_INVALID');
    expect(String(error)).not.toContain('hunter2');
    expect(statSync(at('a.jsonl')).size).toBe(0);
  });

  it('keeps a line one line when the redactor formats it', async () => {
    const at = temporaryDirectory();
    const redact = (line: string): string => JSON.stringify(JSON.parse(line), null, 2);
    const writer = await openWriter(at('a.jsonl'), { redact, chain: { previous: '0'.repeat(64) } });
    await writer.append({ a: 1 });
    await writer.close();
    expect(readFileSync(at('a.jsonl'), 'utf8')).toMatch(/^\{"a":1,"hash":"[0-9a-f]{64}"\}\n$/);
  });
});

describe('openWriter()', () => {
  it('creates a file that only its owner may read', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'));
    await writer.close();
    expect(statSync(at('a.jsonl')).mode & 0o777).toBe(0o600);
    expect(writer.opened).toEqual({ bytes: 0, created: true });
  });

  it('appends to what is there', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '{"n":1}\n');
    const writer = await openWriter(at('a.jsonl'));
    await writer.append({ n: 2 });
    await writer.close();
    expect(writer.opened).toEqual({ bytes: 8, created: false });
    expect(writer.bytes).toBe(16);
  });

  it("tells the difference between create 'new', 'existing' and 'open'", async () => {
    const at = temporaryDirectory();
    writeFileSync(at('there.jsonl'), '1\n');
    const attempt = (name: string, create: 'open' | 'new' | 'existing'): Promise<string> =>
      codeOf(openWriter(at(name), { create }).then((writer) => writer.close()));
    expect(await attempt('there.jsonl', 'new')).toBe('ORCH_JSONL_EXISTS');
    expect(await attempt('absent.jsonl', 'existing')).toBe('ORCH_JSONL_NOT_FOUND');
    expect(await attempt('absent/a.jsonl', 'open')).toBe('ORCH_JSONL_NOT_FOUND');
    expect(await attempt('', 'open')).toBe('ORCH_JSONL_OPEN_FAILED');
    expect(await attempt('there.jsonl', 'existing')).toBe('nothing was thrown');
    expect(await attempt('fresh.jsonl', 'new')).toBe('nothing was thrown');
    expect(readFileSync(at('there.jsonl'), 'utf8')).toBe('1\n');
  });

  it("lets exactly one of many win with create 'new'", async () => {
    const at = temporaryDirectory();
    const codes = await Promise.all(
      Array.from({ length: 20 }, () =>
        codeOf(openWriter(at('a.jsonl'), { create: 'new' }).then((writer) => writer.close())),
      ),
    );
    expect(codes.filter((code) => code !== 'ORCH_JSONL_EXISTS')).toEqual(['nothing was thrown']);
  });

  it('refuses options that are not what they must be', async () => {
    const at = temporaryDirectory();
    const wrong: WriterOptions[] = [
      { access: 'mine' as 'shared' },
      { chain: { previous: '0'.repeat(64) }, access: 'locked' },
      { rotate: { bytes: 100 }, access: 'shared' },
      { rotate: { bytes: 100 }, chain: { previous: '0'.repeat(64) } },
      { rotate: { bytes: 100, compress: 'zip' as 'gzip' } },
      { durability: 'disk' as 'sync' },
      { create: 'truncate' as 'new' },
      { chain: { previous: 'abc' } },
      { chain: { previous: '0'.repeat(64) }, access: 'shared' },
    ];
    for (const options of wrong) {
      await expect(openWriter(at('a.jsonl'), options)).rejects.toBeInstanceOf(TypeError);
    }
    const outOfRange: WriterOptions[] = [
      { maxBatchBytes: 0 },
      { rotate: { bytes: 0 } },
      { rotate: { bytes: 100, keep: 0 } },
      { lockTimeoutMs: -1 },
    ];
    for (const options of outOfRange) {
      await expect(openWriter(at('a.jsonl'), options)).rejects.toBeInstanceOf(RangeError);
    }
    expect(() => statSync(at('a.jsonl'))).toThrow('ENOENT');
  });

  it('closes at the end of an await using block', async () => {
    const at = temporaryDirectory();
    {
      await using writer = await openWriter(at('a.jsonl'), { durability: 'none' });
      await writer.append('kept');
    }
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe('"kept"\n');
  });
});
