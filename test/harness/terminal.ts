import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { claudeProgram, orchProgram, requirePrograms } from './orch.js';
import type { TestRepository } from './repository.js';
import { terminalScreen, type TerminalScreen } from './terminal-screen.js';
import { until } from './witness.js';

/** orch in a terminal of its own: a real one of the kernel, opened by script(1). */
export interface Terminal {
  readonly screen: TerminalScreen;
  /** The bytes that orch wrote. */
  readonly bytes: () => string;
  /** Process id of orch. */
  pid(): Promise<number>;
  /** Presses keys; `\u0003` is Ctrl-C. */
  press(keys: string): void;
  resize(columns: number, rows: number): void;
  readonly finished: Promise<number | null>;
}

const open: ChildProcess[] = [];

/** Closes every terminal that a failed test left open: script(1) hands the signal to what runs in it. */
export async function closeTerminals(): Promise<void> {
  for (const child of open.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    await closed;
  }
}

const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

/** Starts orch in a terminal of that size. */
export function openTerminal(
  repository: TestRepository,
  argv: readonly string[],
  options: {
    readonly columns?: number;
    readonly rows?: number;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Terminal {
  requirePrograms();
  const { columns = 100, rows = 30 } = options;
  const directory = mkdtempSync(path.join(repository.home, 'terminal-'));
  const [script, pidFile, ttyFile] = ['start.sh', 'pid', 'tty'].map((name) =>
    path.join(directory, name),
  ) as [string, string, string];
  writeFileSync(
    script,
    `stty rows ${rows} cols ${columns}
tty > ${quoted([ttyFile])}
echo $$ > ${quoted([pidFile])}
exec ${quoted([process.execPath, orchProgram, ...argv])}
`,
  );
  const child = spawn('script', ['-qfec', `exec sh ${quoted([script])}`, '/dev/null'], {
    cwd: repository.root,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: repository.home,
      SHELL: '/bin/sh',
      TERM: 'xterm-256color',
      ORCH_STATE_DIR: repository.state,
      ORCH_CLAUDE: claudeProgram,
      ...options.env,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  open.push(child);
  const screen = terminalScreen(columns, rows);
  let bytes = '';
  let fault: Error | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    bytes += text;
    try {
      screen.write(text);
    } catch (error) {
      fault ??= error as Error;
    }
  });
  return {
    screen,
    bytes: () => bytes,
    pid: () =>
      until('orch started in its terminal', () => {
        const text = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').trim() : '';
        return text !== '' && Number(text);
      }),
    press: (keys) => void child.stdin.write(keys),
    resize: (newColumns, newRows) => {
      const tty = readFileSync(ttyFile, 'utf8').trim();
      execFileSync('stty', ['-F', tty, 'rows', String(newRows), 'cols', String(newColumns)]);
      screen.resize(newColumns, newRows);
    },
    finished: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        if (fault) reject(fault);
        else resolve(code);
      });
    }),
  };
}
