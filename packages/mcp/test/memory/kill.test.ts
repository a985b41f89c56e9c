import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { openMemory } from '../../src/memory/index.js';
import { useBuiltProgram } from '../built-program.js';
import { temporaryDirectory } from '../scene.js';

const program = useBuiltProgram('src/memory/main.ts');
const writers = 4;
const kills = 6;

/** A memory server that is told to write one key after another; what it acknowledged is noted here, not by it. */
function startWriter(file: string, name: string, acknowledged: Map<string, string>): ChildProcess {
  const child = spawn(process.execPath, [program(), file, '--as', name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const send = (message: object) =>
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  child.stdin.on('error', () => undefined);
  let n = 0;
  const asked = new Map<number, [string, string]>();
  const writeNext = (): void => {
    n += 1;
    const key = `${name}/${n}`;
    const value = `${name} ${n} ${'x'.repeat((n * 37) % 3000)}`;
    asked.set(n, [key, value]);
    send({ id: n, method: 'tools/call', params: { name: 'write', arguments: { key, value } } });
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, result } = JSON.parse(line) as { id: number; result?: { isError?: boolean } };
    const pair = asked.get(id);
    if (pair !== undefined && result !== undefined && result.isError !== true)
      acknowledged.set(...pair);
    if (id > 0) writeNext();
  });
  for (let depth = 0; depth < 4; depth += 1) writeNext();
  return child;
}

const ended = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve) => child.once('close', resolve));

/** Kills writers at random moments, again and again, and gives what was acknowledged until then. */
async function killWriters(file: string): Promise<ReadonlyMap<string, string>> {
  const acknowledged = new Map<string, string>();
  let generation = 0;
  const start = (): ChildProcess => startWriter(file, `w${(generation += 1)}`, acknowledged);
  const children = Array.from({ length: writers }, start);
  for (let kill = 0; kill < kills; kill += 1) {
    const before = acknowledged.size;
    while (acknowledged.size < before + 20) await new Promise((resolve) => setTimeout(resolve, 5));
    const victim = kill % writers;
    children[victim]?.kill('SIGKILL');
    if (children[victim] !== undefined) await ended(children[victim]);
    children[victim] = start();
  }
  await Promise.all(
    children.map((child) => {
      child.kill('SIGKILL');
      return ended(child);
    }),
  );
  return acknowledged;
}

/** What a memory has lost of what was acknowledged. */
async function lost(file: string, acknowledged: ReadonlyMap<string, string>): Promise<string[]> {
  const memory = await openMemory(file);
  const witness = { attempt: 'witness', trust: 'untrusted' } as const;
  const entries = new Map((await memory.list(witness)).map(({ key, value }) => [key, value]));
  await memory.close();
  return [...acknowledged].filter(([key, value]) => entries.get(key) !== value).map(([key]) => key);
}

test('servers that are killed lose nothing that they acknowledged', async ({ onTestFinished }) => {
  const file = join(temporaryDirectory(onTestFinished), 'memory.jsonl');
  const acknowledged = await killWriters(file);
  expect(acknowledged.size).toBeGreaterThan(kills * 20);
  expect(await lost(file, acknowledged)).toEqual([]);

  // The control: the witness sees it when one acknowledged line is not there.
  const [key = ''] = acknowledged.keys();
  const lines = readFileSync(file, 'utf8').split('\n');
  const without = join(temporaryDirectory(onTestFinished), 'memory.jsonl');
  const own = lines.filter((line) => !line.includes(`"key":"${key}"`));
  expect(own.length).toBe(lines.length - 1);
  appendFileSync(without, own.join('\n'));
  expect(await lost(without, acknowledged)).toEqual([key]);
});
