import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JsonlError, openWriter, readAll, type WriterOptions } from '../src/index.js';
import { temporaryDirectory } from '../test/temporary-directory.js';

interface Event {
  readonly id: number;
  readonly text: string;
}

/** A file system of 1 MiB in memory, where mount is allowed; else the test says that it did not run. */
function smallDisk(): string | undefined {
  const directory = temporaryDirectory()('disk');
  mkdirSync(directory);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'pipe' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', [directory]));
  return directory;
}

async function readIds(directory: string): Promise<number[]> {
  const ids: number[] = [];
  for (const name of readdirSync(directory).filter((one) => one.startsWith('a.jsonl'))) {
    const { records } = await readAll<Event>(join(directory, name));
    ids.push(...records.map(({ id }) => id));
  }
  return ids.sort((a, b) => a - b);
}

const event = (id: number): Event => ({ id, text: 'x'.repeat(2000 + (id % 7) * 9000) });
const kinds: Readonly<Record<string, WriterOptions>> = {
  exclusive: {},
  shared: { access: 'shared' },
  locked: { access: 'locked' },
  'exclusive, rotated': { rotate: { bytes: 150_000 } },
  'locked, rotated': { access: 'locked', rotate: { bytes: 150_000 } },
};

describe('a disk that is full', () => {
  it.each(Object.entries(kinds))(
    'loses no acknowledged record, again and again, and goes on once there is space (%s)',
    async (kind, options) => {
      const disk = smallDisk();
      expect(disk, 'mount is needed for a small disk').toBeDefined();
      if (disk === undefined) return;
      const acknowledged: number[] = [];
      const codes = new Map<string, number>();
      let id = 0;
      let fills = 0;
      for (; fills < 30; fills += 1) {
        // Space of a random size is left over, so that the disk is full in the middle of a record.
        writeFileSync(join(disk, 'other'), Buffer.alloc(Math.floor(Math.random() * 600_000)));
        const writer = await openWriter<Event>(join(disk, 'a.jsonl'), options).catch(
          () => undefined,
        );
        let refused = 0;
        for (let burst = 0; writer !== undefined && refused === 0 && burst < 200; burst += 1) {
          const ids = [1, 2, 3].map(() => (id += 1));
          const settle = async (one: number): Promise<void> => {
            try {
              await writer.append(event(one));
              acknowledged.push(one);
            } catch (error) {
              if (!JsonlError.isInstance(error)) throw error;
              refused += 1;
              codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
            }
          };
          await Promise.all(ids.map(settle));
        }
        await writer?.close();
        const found = await readIds(disk);
        expect(acknowledged.filter((one) => !found.includes(one))).toEqual([]);
        for (const name of readdirSync(disk)) rmSync(join(disk, name));
        acknowledged.length = 0;
      }
      console.log(
        `${kind}: disk full ${fills} times, ${id} appended, 0 lost, ${[...codes].join(' ')}`,
      );
      expect(codes.get('ORCH_JSONL_DISK_FULL')).toBeGreaterThan(0);
    },
  );

  it('loses some of a program that does not look at what a write took (negative control)', async () => {
    const disk = smallDisk();
    expect(disk, 'mount is needed for a small disk').toBeDefined();
    if (disk === undefined) return;
    const program = `
      const fs = require('node:fs');
      const file = fs.openSync('a.jsonl', 'a');
      for (let id = 0; id < 30; id += 1) {
        try { fs.writeSync(file, JSON.stringify({ id, text: 'x'.repeat(50000) }) + '\\n'); } catch { break; }
        console.log(id);
      }`;
    const child = spawn(process.execPath, ['--eval', program], { cwd: disk });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    await new Promise((resolve) => child.on('close', resolve));
    const said = output.trim().split('\n').map(Number);
    const found = await readIds(disk);
    expect(readFileSync(join(disk, 'a.jsonl')).length).toBeGreaterThan(900_000);
    expect(said.filter((id) => !found.includes(id)).length).toBeGreaterThan(0);
  });
});
