import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useBuiltProgram } from '../built-program.js';
import { defined, tool } from '../safety/defined.js';
import { temporaryDirectory, type Cleanup } from '../scene.js';

const program = useBuiltProgram('src/main.ts');

/** What orch and Claude Code set in what their agents start. */
const marks = {
  ORCH_RUN: '0123456789',
  CLAUDECODE: '1',
  CLAUDE_CODE_SESSION_ID: 'a-session',
  ORCH_PROCESS_OWNER: '0123456789.0a1b2c3d',
  ORCH_PROCESS_TREE: '0123456789.0a1b2c3d/1',
};
const ofAgent = ['ORCH_RUN', 'CLAUDECODE', 'CLAUDE_CODE_SESSION_ID'];
const without = (names: readonly string[]): string => `env -u ${names.join(' -u ')} `;

/** A user with a server of the project that nobody approved, and one of their own that nobody pinned. */
function user(onTestFinished: Cleanup) {
  const home = temporaryDirectory(onTestFinished);
  const state = temporaryDirectory(onTestFinished);
  writeFileSync(
    join(home, '.mcp.json'),
    JSON.stringify({ mcpServers: { one: { command: 'true' } } }),
  );
  const mine = defined(home, 'definitions', { tools: [tool('read')] }).spec;
  writeFileSync(join(home, '.claude.json'), JSON.stringify({ mcpServers: { mine } }));
  return {
    /** A shell with these variables opens a terminal by script(1), and answers yes there. It lives until that has ended. */
    say: async (
      verb: string,
      environment: Readonly<Record<string, string>> = {},
      around = '',
    ): Promise<string> => {
      const orch = `exec '${process.execPath}' '${program()}' ${verb}`;
      // With no end of what it reads, script(1) sometimes goes on for ever after its program has ended.
      const shell = spawn(
        'sh',
        ['-c', `yes y | head -n 50 | ${around}script -qefc "${orch}" /dev/null; true`],
        {
          cwd: home,
          env: {
            PATH: process.env['PATH'],
            HOME: home,
            SHELL: '/bin/sh',
            TERM: 'dumb',
            ORCH_STATE_DIR: state,
            ...environment,
          },
        },
      );
      onTestFinished(() => void shell.kill('SIGKILL'));
      let text = '';
      for (const stream of [shell.stdout, shell.stderr])
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      await once(shell, 'close');
      return text;
    },
    isApproved: () => existsSync(join(state, 'mcp', 'approvals')),
    isPinned: () => existsSync(join(state, 'mcp', 'pins')),
  };
}

describe.concurrent('approve and pin', () => {
  test('are answered by a person in a terminal', async ({ onTestFinished }) => {
    const { say, isApproved, isPinned } = user(onTestFinished);
    expect(await say('approve one')).toContain('✔ one');
    expect(await say('pin mine')).toContain('✔ mine  1 tools pinned');
    expect([isApproved(), isPinned()]).toEqual([true, true]);
  });

  test.for<[string, Readonly<Record<string, string>>, string, string]>([
    [
      'which left the marks of its processes',
      marks,
      without(ofAgent),
      'an agent started this (ORCH_PROCESS_OWNER is set)',
    ],
    [
      'which left the tree of its processes alone',
      marks,
      without([...ofAgent, 'ORCH_PROCESS_OWNER']),
      'an agent started this (ORCH_PROCESS_TREE is set)',
    ],
    ...Object.entries(marks).map(
      ([name, value]): [string, Record<string, string>, string, string] => [
        `which took ${name} away`,
        { [name]: value },
        without([name]),
        `an agent started this (${name} is set in process `,
      ],
    ),
    [
      'which took everything away',
      marks,
      'env -i HOME="$HOME" ORCH_STATE_DIR="$ORCH_STATE_DIR" PATH="$PATH" SHELL=/bin/sh TERM=dumb ',
      'an agent started this (ORCH_RUN is set in process ',
    ],
  ])(
    'are not answered by an agent in a terminal that it opened, %s',
    async ([, environment, around, why], { onTestFinished }) => {
      const { say, isApproved, isPinned } = user(onTestFinished);
      expect(await say('approve one', environment, around)).toContain(why);
      expect(await say('pin mine', environment, around)).toContain(why);
      expect([isApproved(), isPinned()]).toEqual([false, false]);
    },
  );
});
