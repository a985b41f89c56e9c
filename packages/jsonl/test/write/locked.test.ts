import { execFile } from 'node:child_process';
import { appendFileSync, readFileSync, renameSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem, openWriter, readAll, type FileSystem } from '../../src/index.js';
import { useCompiledSource } from '../compile-source.js';
import { faultyFileSystem, systemError } from '../faulty-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

const alone = useCompiledSource();

/** Holds the lock of a file, as another process would, until the end of `work`. */
async function whileLocked<T>(path: string, work: () => Promise<T>): Promise<T> {
  await nodeFileSystem.loadLocks();
  const file = await nodeFileSystem.open(path, 'append', 0);
  try {
    expect(nodeFileSystem.tryLock(file)).toBe(true);
    return await work();
  } finally {
    await nodeFileSystem.close(file);
  }
}

describe("access 'locked'", () => {
  it('lets several writers append to one file without blank lines', async () => {
    const at = temporaryDirectory();
    const writers = await Promise.all(
      Array.from({ length: 6 }, () => openWriter(at('a.jsonl'), { access: 'locked' })),
    );
    await Promise.all(
      writers.flatMap((writer, name) =>
        Array.from({ length: 20 }, async (_, n) => {
          if (n % 4 === 0) await writer.flush();
          await writer.append({ name, n, text: 'x'.repeat(n * 500) });
        }),
      ),
    );
    await Promise.all(writers.map((writer) => writer.close()));
    expect(readFileSync(at('a.jsonl'), 'utf8')).not.toContain('\n\n');
    const { records, faults } = await readAll<{ name: number; n: number }>(at('a.jsonl'));
    expect(faults).toEqual([]);
    for (const name of writers.keys()) {
      const mine = records.filter((record) => record.name === name).map(({ n }) => n);
      expect(mine.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    }
  });

  it.each(['append', 'appendSync'] as const)(
    'sets apart what somebody else left torn since the last group, with %s()',
    async (method) => {
      const at = temporaryDirectory();
      const append = async (name: string, fileSystem: FileSystem): Promise<string> => {
        const path = at(name);
        const options = { access: 'locked', durability: 'kernel', fileSystem } as const;
        const writer = await openWriter(path, options);
        await writer[method](1);
        appendFileSync(path, '{"torn":');
        await writer[method](2);
        await writer[method](3);
        await writer.close();
        return readFileSync(path, 'utf8');
      };
      expect(await append('a.jsonl', nodeFileSystem)).toBe('1\n{"torn":\n2\n3\n');
      // Negative control: when the last byte is not looked at, the next record is glued.
      const blind: FileSystem = {
        ...nodeFileSystem,
        readSync: (_file, bytes) => bytes.fill(10).length,
      };
      expect(await append('b.jsonl', blind)).toBe('1\n{"torn":2\n3\n');
    },
  );

  it('writes only while it holds the lock', async () => {
    const at = temporaryDirectory();
    let held = 0;
    const calls: string[] = [];
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      tryLock: (file) => {
        const locked = nodeFileSystem.tryLock(file);
        if (locked) held += 1;
        return locked;
      },
      unlock: (file) => {
        held -= 1;
        nodeFileSystem.unlock(file);
      },
      write: (file, bytes, start, end) => {
        calls.push(`write ${held}`);
        return nodeFileSystem.write(file, bytes, start, end);
      },
      writeSync: (file, bytes, start, end) => {
        calls.push(`writeSync ${held}`);
        return nodeFileSystem.writeSync(file, bytes, start, end);
      },
      fdatasync: (file) => {
        calls.push(`fdatasync ${held}`);
        return nodeFileSystem.fdatasync(file);
      },
    };
    const writer = await openWriter(at('a.jsonl'), { access: 'locked', fileSystem });
    await writer.append(1);
    writer.appendSync(2);
    await writer.close();
    // The sync comes after the lock was given back, so that nobody waits for it who need not.
    expect(calls).toEqual(['writeSync 1', 'fdatasync 0', 'writeSync 1']);
  });

  it('waits for the lock, and gives up with a typed error', async () => {
    const at = temporaryDirectory();
    const path = at('a.jsonl');
    const writer = await openWriter(path, { access: 'locked' });
    let waited = false;
    await whileLocked(path, async () => {
      void writer.append('patient').then(() => (waited = true));
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(waited).toBe(false);
    });
    await writer.flush();
    expect(waited).toBe(true);
    await writer.close();

    const hasty = await openWriter(path, { access: 'locked', lockTimeoutMs: 20 });
    const another = await openWriter(path, { access: 'locked', lockTimeoutMs: 20 });
    await whileLocked(path, async () => {
      await expect(hasty.append(1)).rejects.toMatchObject({ code: 'ORCH_JSONL_LOCK_TIMEOUT' });
      expect(() => another.appendSync(1)).toThrow(/has held its lock for 20 ms/);
    });
    await Promise.all([hasty.close(), another.close()]);
    expect(readFileSync(path, 'utf8')).toBe('"patient"\n');
  });

  it('refuses to wait in place for a writer of the same process', async () => {
    const at = temporaryDirectory();
    const path = at('a.jsonl');
    const second = await openWriter(path, { access: 'locked' });
    let code: unknown;
    const first = await openWriter(path, {
      access: 'locked',
      fileSystem: {
        ...nodeFileSystem,
        writeSync: (file, bytes, start, end) => {
          try {
            second.appendSync('never');
          } catch (error) {
            code = (error as { code: unknown }).code;
          }
          return nodeFileSystem.writeSync(file, bytes, start, end);
        },
      },
    });
    await first.append('first');
    expect(code).toBe('ORCH_JSONL_BUSY');
    second.appendSync('second');
    await Promise.all([first.close(), second.close()]);
    expect(readFileSync(path, 'utf8')).toBe('"first"\n"second"\n');
  });

  it('takes back what a full disk let through, as nobody else can have written', async () => {
    const at = temporaryDirectory();
    const fileSystem = faultyFileSystem({
      before: (call, index) => {
        if (call === 'writeSync' && index > 1) throw systemError('ENOSPC', call);
      },
      take: (index, length) => (index === 1 ? length - 3 : length),
    });
    const writer = await openWriter(at('a.jsonl'), { access: 'locked', fileSystem });
    await writer.append('kept');
    await expect(writer.append('refused')).rejects.toMatchObject({ details: { takenBack: true } });
    await writer.close();
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe('"kept"\n');
  });

  describe('what cannot be synced', () => {
    /** A disk that fails at the second sync; `meanwhile` comes before, when the lock was given back. */
    const failing = (meanwhile: () => void = () => undefined): FileSystem =>
      faultyFileSystem({
        before: (call, index) => {
          if (!call.startsWith('fdatasync') || index !== 1) return;
          meanwhile();
          throw systemError('EIO', call);
        },
      });

    it.each(['append', 'appendSync'] as const)('is taken back, with %s()', async (method) => {
      const at = temporaryDirectory();
      const path = at('a.jsonl');
      const writer = await openWriter(path, { access: 'locked', fileSystem: failing() });
      await writer[method]('kept');
      const refused = { code: 'ORCH_JSONL_SYNC_FAILED', details: { takenBack: true } };
      await expect((async () => writer[method]('refused'))()).rejects.toMatchObject(refused);
      await writer.close();
      expect(readFileSync(path, 'utf8')).toBe('"kept"\n');
      // The lock was given back.
      const next = await openWriter(path, { access: 'locked', lockTimeoutMs: 0 });
      await next.append('next');
      await next.close();
      expect(readFileSync(path, 'utf8')).toBe('"kept"\n"next"\n');
    });

    it('stays where somebody else wrote after it', async () => {
      const at = temporaryDirectory();
      const path = at('a.jsonl');
      const other = await openWriter(path, { access: 'locked' });
      const fileSystem = failing(() => other.appendSync('other'));
      const writer = await openWriter(path, { access: 'locked', fileSystem });
      await writer.append('kept');
      const refused = { code: 'ORCH_JSONL_SYNC_FAILED', details: { takenBack: false } };
      await expect(writer.append('refused')).rejects.toMatchObject(refused);
      await Promise.all([writer.close(), other.close()]);
      expect(readFileSync(path, 'utf8')).toBe('"kept"\n"refused"\n"other"\n');
    });

    it('stays where the file was put aside since, or somebody else holds the lock', async () => {
      const at = temporaryDirectory();
      const path = at('a.jsonl');
      const aside = failing(() => renameSync(path, at('a.jsonl.000001')));
      const writer = await openWriter(path, { access: 'locked', fileSystem: aside });
      await writer.append('kept');
      await expect(writer.append('refused')).rejects.toMatchObject({
        details: { takenBack: false },
      });
      await writer.close();
      expect(readFileSync(at('a.jsonl.000001'), 'utf8')).toBe('"kept"\n"refused"\n');

      let held = -1;
      const locked = failing(() => {
        held = nodeFileSystem.openSync(path, 'append', 0);
        expect(nodeFileSystem.tryLock(held)).toBe(true);
      });
      const options = { access: 'locked', lockTimeoutMs: 20, fileSystem: locked } as const;
      const second = await openWriter(path, options);
      await second.append('kept');
      await expect(second.append('refused')).rejects.toMatchObject({
        details: { takenBack: false },
      });
      await second.close();
      nodeFileSystem.closeSync(held);
      expect(readFileSync(path, 'utf8')).toBe('"kept"\n"refused"\n');
    });
  });

  it('says how to install what it needs when that is missing', async () => {
    const at = temporaryDirectory();
    const program = `
      import { openWriter } from ${JSON.stringify(pathToFileURL(alone('index.js')).href)};
      const error = await openWriter('a.jsonl', { access: 'locked' }).catch((reason) => reason);
      console.log(JSON.stringify([error.code, error.message]));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { cwd: at('.') },
    );
    const [code, message] = JSON.parse(stdout) as [string, string];
    expect(code).toBe('ORCH_JSONL_LOCK_UNAVAILABLE');
    expect(message).toContain('npm install koffi');
  });
});
