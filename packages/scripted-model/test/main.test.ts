import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LoggedRequest } from '../src/index.js';
import { askText, user } from './conversation-builder.js';
import { freshDirectory } from './fixtures.js';
import { send } from './raw-client.js';

const SOURCE = resolve(import.meta.dirname, '../src');

/** The sources as JavaScript in a fresh directory, so that the command runs as users run it. */
function transpile(directory: string): string {
  for (const name of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const { outputText } = transpileModule(readFileSync(join(SOURCE, name), 'utf8'), {
      compilerOptions: { target: ScriptTarget.ES2023, module: ModuleKind.ESNext },
    });
    const target = join(directory, name.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  writeFileSync(join(directory, 'package.json'), '{"type": "module"}');
  return join(directory, 'main.js');
}

function start(main: string, options: readonly string[]) {
  const child = spawn(process.execPath, [main, ...options]);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let output = '';
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const ended = new Promise<{ code: number | null; signal: string | null; errors: string }>(
    (settle) => child.on('close', (code, signal) => settle({ code, signal, errors })),
  );
  const listening = new Promise<{ listening: string; pid: number }>((settle, reject) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.endsWith('\n')) settle(JSON.parse(output) as { listening: string; pid: number });
    });
    void ended.then(() => reject(new Error(`ended before it listened: ${errors}`)));
  });
  listening.catch(() => {});
  return { child, ended, listening };
}

describe('the command scripted-model', { timeout: 60_000 }, () => {
  it('prints one line when it listens, answers from its file, logs, and stops on SIGTERM', async () => {
    const directory = freshDirectory();
    const main = transpile(directory);
    const scenarios = join(directory, 'scenarios.json');
    const log = join(directory, 'requests.jsonl');
    writeFileSync(scenarios, JSON.stringify({ default: ['from the file'] }));
    const { child, ended, listening } = start(main, ['--scenarios', scenarios, '--log', log]);
    const { listening: url, pid } = await listening;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(pid).toBe(child.pid);
    expect(await askText(url, [user('x')])).toBe('from the file');
    const [line = ''] = readFileSync(log, 'utf8').split('\n');
    expect((JSON.parse(line) as LoggedRequest).scenario).toBe('default');
    // Without --with-parent the end of standard input means nothing.
    child.stdin.end();
    expect((await send(`${url}/__open`).answer).text).toBe('[]');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, signal: null });
  });

  it('stops with its parent when it is told to', async () => {
    const { child, ended, listening } = start(transpile(freshDirectory()), ['--with-parent']);
    const { listening: url } = await listening;
    expect(await askText(url, [user('x')])).toBe('ok');
    child.stdin.end();
    expect(await ended).toMatchObject({ code: 0, signal: null });
  });

  it('exits 2 and says why when an option or the scenarios file is not valid', async () => {
    const directory = freshDirectory();
    const main = transpile(directory);
    const scenarios = join(directory, 'scenarios.json');
    writeFileSync(scenarios, '{"default": [{"txt": "x"}]}');
    const results = await Promise.all(
      [['--nope'], ['--port', 'x'], ['--scenarios', scenarios]].map(
        (options) => start(main, options).ended,
      ),
    );
    expect(results.map(({ code }) => code)).toEqual([2, 2, 2]);
    expect(results[2]?.errors).toContain('default[0].txt');
    expect(existsSync(main)).toBe(true);
  });
});
