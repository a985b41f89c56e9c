import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readAll, type Access } from '../../src/index.js';
import { useCompiledSource } from '../compile-source.js';
import { killWriters } from '../kill-writers.js';
import { temporaryDirectory } from '../temporary-directory.js';

const compiled = useCompiledSource({ withPeers: true });
const program = (name: string): string => join(import.meta.dirname, '../testdata', name);

/** Runs a program that prints the id of each record that was acknowledged. */
async function run(
  command: string,
  args: readonly string[],
): Promise<{ acknowledged: string[]; signal: string | null }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => (output += chunk));
  const signal = await new Promise<string | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (_code, name) => resolve(name));
  });
  return { acknowledged: output.split('\n').slice(0, -1), signal };
}

/** Ids found by a reader that recovers nothing: one JSON.parse for each line, as most programs read. */
function parseStrictly(path: string): { ids: Set<string>; broken: number } {
  const ids = new Set<string>();
  let broken = 0;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '') continue;
    try {
      ids.add((JSON.parse(line) as { id: string }).id);
    } catch {
      broken += 1;
    }
  }
  return { ids, broken };
}

const lost = (path: string, acknowledged: readonly string[]): string[] => {
  const { ids } = parseStrictly(path);
  return acknowledged.filter((id) => !ids.has(id));
};

describe('kill -9 in the middle of writing', () => {
  it('loses no acknowledged record of four processes that share a file and are killed 28 times', async () => {
    const path = temporaryDirectory()('shared.jsonl');
    const acknowledged: string[] = [];
    let kills = 0;
    const lane = async (name: string): Promise<void> => {
      for (let life = 0; life < 7; life += 1) {
        const killIn = String(2 + (life % 3));
        const size = ['200000', '40', '4'];
        const args = [compiled('index.js'), path, 'shared', `${name}.${life}`, ...size, killIn];
        const result = await run(process.execPath, [program('append.mjs'), ...args]);
        acknowledged.push(...result.acknowledged);
        if (result.signal === 'SIGKILL') kills += 1;
      }
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(lane));
    expect(kills).toBeGreaterThanOrEqual(24);
    expect(acknowledged.length).toBeGreaterThanOrEqual(60);
    expect(lost(path, acknowledged)).toEqual([]);
    // Our own reader agrees, and calls every broken line broken.
    const { records, faults } = await readAll<{ id: string }>(path);
    expect(new Set(records.map(({ id }) => id))).toEqual(parseStrictly(path).ids);
    expect(faults.length).toBe(parseStrictly(path).broken);
  }, 120_000);

  it.each(['shared', 'locked', 'exclusive'] as const)(
    'loses no acknowledged record of eight writers killed 50 times at random (%s)',
    async (access) => {
      // 100 kills are asked for here: 50 in each of the two modes for many, and 50 more. 1,000 are in `prove`.
      const { lost, kills, acknowledged } = await killWriters({
        module: compiled('index.js'),
        directory: temporaryDirectory()('.'),
        access,
        writers: 8,
        kills: 50,
        leastBytes: 200,
        mostBytes: 2_000_000,
        killsPerFile: 25,
      });
      expect(lost).toEqual([]);
      expect(kills).toBe(50);
      expect(acknowledged).toBeGreaterThan(50);
    },
    120_000,
  );

  it('lets the check above see a loss, if there is one (negative control)', async () => {
    const path = temporaryDirectory()('glued.jsonl');
    const line = (id: string): string => JSON.stringify({ id, text: 'x'.repeat(50) }) + '\n';
    writeFileSync(path, line('a-0') + line('b-0').slice(0, 30) + line('c-0') + line('d-0'));
    expect(lost(path, ['a-0', 'c-0', 'd-0'])).toEqual(['c-0']);
    // A reader that recovers finds it in the glued line all the same.
    const { records } = await readAll<{ id: string }>(path);
    expect(records.map(({ id }) => id)).toEqual(['a-0', 'c-0', 'd-0']);
  });
});

describe('a process that is stopped in the middle of a record', () => {
  /** Lets a first process write until the limit on file sizes tears its record, then a second go on. */
  async function tearAndGoOn(
    path: string,
    append: (name: string) => readonly string[],
  ): Promise<string[]> {
    const limited = [
      '-c',
      'ulimit -f "$0" && exec "$@"',
      '300',
      process.execPath,
      ...append('first'),
    ];
    const first = await run('bash', limited);
    const torn = readFileSync(path);
    expect(torn.at(-1)).toBe('x'.charCodeAt(0));
    expect(first.acknowledged.length).toBeGreaterThan(0);
    const second = await run(process.execPath, append('second'));
    expect(second.acknowledged).toHaveLength(3);
    return lost(path, [...first.acknowledged, ...second.acknowledged]);
  }
  const withWriter = (path: string, access: Access) => (name: string) => {
    const count = name === 'first' ? '6' : '3';
    return [program('append.mjs'), compiled('index.js'), path, access, name, '70000', count, '1'];
  };

  it('costs the next process nothing in a shared file', async () => {
    const path = temporaryDirectory()('a.jsonl');
    expect(await tearAndGoOn(path, withWriter(path, 'shared'))).toEqual([]);
  });

  it('costs the next process a record when nothing precedes it (negative control)', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const plain = (name: string): string[] => [
      program('append-plain.mjs'),
      path,
      name,
      '70000',
      name === 'first' ? '6' : '3',
    ];
    expect(await tearAndGoOn(path, plain)).toEqual(['second-0']);
  });

  it('leaves an exclusive file as it was before that record', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const limited = [
      '-c',
      'ulimit -f "$0" && exec "$@"',
      '300',
      process.execPath,
      ...withWriter(path, 'exclusive')('first'),
    ];
    const { acknowledged } = await run('bash', limited);
    expect(acknowledged).toHaveLength(4);
    const { records, faults } = await readAll<{ id: string }>(path);
    expect(records.map(({ id }) => id)).toEqual(acknowledged);
    expect(faults).toEqual([]);
  });
});
