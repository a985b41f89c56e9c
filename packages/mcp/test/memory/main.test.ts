import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useBuiltProgram } from '../built-program.js';
import { temporaryDirectory } from '../scene.js';

const program = useBuiltProgram('src/memory/main.ts');

test('a client that goes while it is answered leaves a server that ends well', async ({
  onTestFinished,
}) => {
  const file = join(temporaryDirectory(onTestFinished), 'memory.jsonl');
  const child = spawn(process.execPath, [program(), file]);
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const send = (id: number): void => {
    const params = { name: 'write', arguments: { key: `k${id}`, value: id } };
    const message = { jsonrpc: '2.0', id, method: 'tools/call', params };
    child.stdin.write(`${JSON.stringify(message)}\n`);
  };
  send(0);
  await once(child.stdout, 'data');
  for (let id = 1; id <= 40; id += 1) send(id);
  child.stdout.destroy();
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(said).toBe('');
});
