import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useBuiltProgram } from '../built-program.js';
import { temporaryDirectory, until } from '../scene.js';

const program = useBuiltProgram('src/main.ts');

test.for<[string, string, string, number, boolean]>([
  ['y', 'y\r', '✔ one', 0, true],
  ['n', 'n\r', '✖ one  not approved', 1, false],
  ['Enter', '\r', '✖ one  not approved', 1, false],
  ['Ctrl-D', '\u0004', '✖ one  not approved', 1, false],
  ['Ctrl-C', '\u0003', 'ORCH_MCP_CANCELLED', 130, false],
])(
  'a question in a terminal is answered by %s',
  async ([, keys, said, expected, isApproved], { onTestFinished }) => {
    const [cwd, state] = [temporaryDirectory(onTestFinished), temporaryDirectory(onTestFinished)];
    const mcpServers = { one: { command: 'true' } };
    writeFileSync(join(cwd, '.mcp.json'), JSON.stringify({ mcpServers }));
    const command = `exec '${process.execPath}' '${program()}' approve`;
    const child = spawn('script', ['-qfec', command, '/dev/null'], {
      cwd,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: cwd,
        SHELL: '/bin/sh',
        TERM: 'dumb',
        ORCH_STATE_DIR: state,
      },
    });
    const ended = once(child, 'close') as Promise<[number | null]>;
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await until(() => text.includes('[y/N] '), 'the question');
    child.stdin.write(keys);
    expect(await ended, text).toEqual([expected, null]);
    expect(text).toContain(said);
    expect(text).not.toContain('ORCH_DEFECT');
    expect(existsSync(join(state, 'mcp', 'approvals'))).toBe(isApproved);
  },
);
