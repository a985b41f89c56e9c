import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openWriter } from '../src/index.js';
import { useCompiledSource } from '../test/compile-source.js';
import { temporaryDirectory } from '../test/temporary-directory.js';

const compiled = useCompiledSource();
const megabyte = 1024 * 1024;
const lineBytes = 60 * megabyte;

/** Lines of 60 MiB, made to cost more than their length. */
const lines: Readonly<Record<string, Buffer>> = {
  'opening braces': Buffer.alloc(lineBytes, '{'),
  'closing braces': Buffer.alloc(lineBytes, '}'),
  'opening and closing brackets': Buffer.alloc(lineBytes, '[]'),
  quotes: Buffer.alloc(lineBytes, '"'),
  'escaped quotes': Buffer.alloc(lineBytes, '\\"'),
  backslashes: Buffer.concat([
    Buffer.from('{"a":"'),
    Buffer.alloc(lineBytes, '\\'),
    Buffer.from('"}'),
  ]),
  'the smallest records, and a stub': Buffer.concat([
    Buffer.alloc(lineBytes, '{}'),
    Buffer.from('x'),
  ]),
  'a stub, and the smallest records': Buffer.concat([
    Buffer.from('x'),
    Buffer.alloc(lineBytes, '{}'),
  ]),
  'zero bytes between records': Buffer.alloc(lineBytes, '{}\0'),
  'raw tabs in a string': Buffer.concat([
    Buffer.from('{"a":"'),
    Buffer.alloc(lineBytes, '\t'),
    Buffer.from('"}'),
  ]),
};

/** Verifies a file in a process of its own; gives how long it took, its peak memory, and its answer. */
async function verify(path: string) {
  const program = `
    const { readFileSync } = await import('node:fs');
    const { verify } = await import(${JSON.stringify(compiled('index.js'))});
    const { records, kinds } = await verify(${JSON.stringify(path)});
    // Not maxRSS, which begins with that of the process it was forked from.
    const [, kilobytes] = /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    const { user } = process.cpuUsage();
    console.log(JSON.stringify({ records, kinds, peak: Number(kilobytes) * 1024, cpu: user }));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code).toBe(0);
  return JSON.parse(output) as { records: number; peak: number; cpu: number };
}

it.each(Object.entries(lines))(
  'a line of 60 MiB of %s costs bounded memory and time, and not the record after it',
  async (name, line) => {
    const path = temporaryDirectory()('a.jsonl');
    const file = createWriteStream(path);
    file.write('{"n":1}\n');
    file.write(line);
    file.end('\n{"n":2}\n');
    await once(file, 'finish');
    const { records, peak, cpu } = await verify(path);
    console.log(
      `${name}: ${(cpu / 1e6).toFixed(1)} s of the processor, peak ${Math.round(peak / megabyte)} MiB`,
    );
    expect(records).toBeGreaterThanOrEqual(2);
    // What the README promises.
    expect(peak).toBeLessThan(600 * megabyte);
    expect(cpu / 1e6).toBeLessThan(5);
  },
);

it('a record that is longer than a text can be is refused, and the writer goes on', async () => {
  const path = temporaryDirectory()('a.jsonl');
  const writer = await openWriter(path, { durability: 'kernel' });
  const texts = Array.from({ length: 6000 }, () => 'x'.repeat(100_000));
  await expect(writer.append(texts)).rejects.toThrow(/Invalid string length/);
  await writer.append({ n: 1 });
  await writer.close();
  expect(readFileSync(path, 'utf8')).toBe('{"n":1}\n');
});
