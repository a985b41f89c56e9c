import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { McpError } from '../mcp-error.js';
import { openInBrowser } from './browser.js';
import { requirePerson } from './person.js';
import { inertJson, neutral } from './terminal-text.js';

/** Where the verbs run: what they read, and where they write. */
export interface Host {
  /** What the program is called, in its help and its errors: `orch-mcp`, `orch mcp`. */
  readonly program: string;
  /** Appended to the help. */
  readonly epilogue?: string;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  /** For `record` and `replay`, which speak the protocol there. */
  readonly stdout: Writable;
  /** Aborted by Ctrl-C: calls are cancelled, and everything that was started is ended. */
  readonly signal: AbortSignal;
  /** Rejects with a `UsageError` where no person sits at a terminal of their own. */
  requirePerson(): Promise<void>;
  /** Asks a person, who answers yes or no. Rejects with a `UsageError` where none can be asked. */
  confirm(question: string): Promise<boolean>;
  /** Resolves with the program that was started with the address; undefined if none could be. */
  openBrowser(url: URL): Promise<string | undefined>;
  /** A line for people. */
  line(text: string): void;
  /** One value on one line, for programs. */
  json(value: unknown): void;
  /** Hints, progress and errors: stderr. */
  note(text: string): void;
}

/** The process as a host. A second Ctrl-C ends it at once; what it started ends with it. */
export function processHost(program: string): Host {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(130);
      abort.abort();
    });
  // Whoever read us may be gone (`orch-mcp list | head`).
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return {
    program,
    cwd: process.cwd(),
    environment: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    signal: abort.signal,
    requirePerson: () => Promise.resolve().then(requirePersonHere),
    confirm: (question) => askAtTerminal(question, abort.signal),
    openBrowser: (url) => openInBrowser(url, process.env),
    line: (text) => void process.stdout.write(`${neutral(text)}\n`),
    json: (value) => void process.stdout.write(`${inertJson(value)}\n`),
    note: (text) => void process.stderr.write(`${neutral(text)}\n`),
  };
}

const requirePersonHere = (): void =>
  requirePerson(process.env, process.stdin.isTTY && process.stderr.isTTY);

async function askAtTerminal(question: string, signal: AbortSignal): Promise<boolean> {
  requirePersonHere();
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise<boolean>((resolve, reject) => {
      const giveUp = (): void =>
        reject(new McpError('ORCH_MCP_CANCELLED', 'Nothing was answered, so nothing was done.'));
      // While it reads keys, Ctrl-C is one of them; Ctrl-D ends the input.
      terminal.once('SIGINT', giveUp);
      terminal.once('close', () => resolve(false));
      signal.addEventListener('abort', giveUp, { once: true });
      terminal
        .question(`${neutral(question)} [y/N] `)
        .then((answer) => resolve(/^y(?:es)?$/i.test(answer.trim())), reject);
    });
  } finally {
    terminal.close();
  }
}
