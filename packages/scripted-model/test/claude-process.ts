import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, onTestFinished } from 'vitest';

/** The real Claude Code. Throws, so that a test without it fails and says why. */
function findClaude(): string {
  const root = resolve(import.meta.dirname, '../../..');
  const installed = join(root, '.peers/claude-code/node_modules/.bin/claude');
  const path = process.env['ORCH_TEST_CLAUDE'] ?? installed;
  if (!existsSync(path))
    throw new Error(
      `this test drives the real Claude Code and found none at ${path}: ` +
        `install @anthropic-ai/claude-code into .peers/claude-code, or name its binary in ORCH_TEST_CLAUDE`,
    );
  return path;
}

/** The fields of an output event that tests look at. */
interface ClaudeEvent {
  readonly type: string;
  readonly subtype?: string;
  readonly is_error?: boolean;
  readonly result?: string;
}

/** A running Claude Code with its output so far. */
export interface ClaudeProcess {
  readonly events: readonly ClaudeEvent[];
  readonly ended: Promise<{ code: number | null; signal: string | null; errors: string }>;
  /** Says something while it works; resolves when it has read it. */
  say(prompt: string): Promise<void>;
  /** Kills it with everything it started, at once. */
  kill(): void;
}

/** Starts Claude Code on one prompt in `directory/work`, with its own configuration beside it. */
export function startClaude(
  url: string,
  directory: string,
  prompt: string,
  more: readonly string[] = [],
): ClaudeProcess {
  const cwd = join(directory, 'work');
  const home = join(directory, 'home');
  mkdirSync(cwd, { recursive: true });
  mkdirSync(home, { recursive: true });
  const child = spawn(
    findClaude(),
    [
      '-p',
      ...['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'],
      ...['--setting-sources', 'user', '--strict-mcp-config', '--allowedTools', 'Write,Bash'],
      ...more,
    ],
    {
      cwd,
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        CLAUDE_CONFIG_DIR: home,
        ANTHROPIC_BASE_URL: url,
        ANTHROPIC_API_KEY: 'not-a-real-key',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        DISABLE_AUTOUPDATER: '1',
      },
      // A group of its own, so that a kill reaches what it started.
      detached: true,
    },
  );
  const events: ClaudeEvent[] = [];
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (output + chunk).split('\n');
    output = lines.pop() ?? '';
    for (const line of lines) events.push(JSON.parse(line) as ClaudeEvent);
    if (events.at(-1)?.type === 'result') child.stdin.end();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  child.stdin.on('error', () => {});
  const write = (line: object) => child.stdin.write(`${JSON.stringify(line)}\n`);
  const writePrompt = (content: string) =>
    write({ type: 'user', message: { role: 'user', content } });
  writePrompt(prompt);
  const kill = () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Gone between the look and the kill.
    }
  };
  onTestFinished(kill);
  const ended = new Promise<Awaited<ClaudeProcess['ended']>>((settle, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => settle({ code, signal, errors }));
  });
  const say = async (content: string) => {
    writePrompt(content);
    // Lines are read in order: the answer to this one means that the one before was read.
    write({ type: 'control_request', request_id: 'read', request: { subtype: 'get_settings' } });
    const answered = () => events.some(({ type }) => type === 'control_response');
    await expect.poll(answered, { timeout: 30_000 }).toBe(true);
  };
  return { events, ended, say, kill };
}
