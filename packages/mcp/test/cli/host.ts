import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { onTestFinished } from 'vitest';
import { runMcp, type Host } from '../../src/cli/index.js';
import { neutral } from '../../src/cli/terminal-text.js';
import { programs, temporaryDirectory } from '../scene.js';

export const faultServer = {
  command: process.execPath,
  args: [join(programs, 'fault-server.mjs')],
};

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What `--json` printed. */
  readonly value: unknown;
}

/** A directory with servers in its `.mcp.json`, in which verbs are run. */
export function startCli(
  servers: Readonly<Record<string, object>> = { one: faultServer },
  /** Whether a person has approved them as they stand there. */
  approved = true,
) {
  const cwd = temporaryDirectory(onTestFinished);
  writeFileSync(join(cwd, '.mcp.json'), JSON.stringify({ mcpServers: servers }));
  const state = temporaryDirectory(onTestFinished);
  const abort = new AbortController();
  const base = { PATH: process.env['PATH'], HOME: cwd, ORCH_STATE_DIR: state };
  let isApproved = !approved;
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  let noted = (_text: string): void => undefined;
  async function run(words: readonly string[], more: Partial<Host> = {}): Promise<Ran> {
    if (!isApproved) {
      isApproved = true;
      await run(['approve'], { confirm: () => Promise.resolve(true) });
    }
    const out: string[] = [];
    const err: string[] = [];
    let value: unknown;
    const code = await runMcp(words, {
      program: 'orch-mcp',
      cwd,
      requirePerson: () => Promise.resolve(),
      confirm: () => Promise.reject(new Error('Nobody is there.')),
      openBrowser: () => Promise.resolve(undefined),
      stdin,
      stdout,
      signal: abort.signal,
      line: (text) => void out.push(neutral(text)),
      json: (one) => (value = JSON.parse(JSON.stringify(one)) as unknown),
      note(text) {
        err.push(neutral(text));
        noted(text);
      },
      ...more,
      environment: { ...base, ...more.environment },
    });
    return { code, out: out.join('\n'), err: err.join('\n'), value };
  }
  return {
    cwd,
    stdin,
    stdout,
    run,
    interrupt: () => abort.abort(),
    onNote: (listener: (text: string) => void) => (noted = listener),
  };
}
