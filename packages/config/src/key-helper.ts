import { ConfigError } from './config-error.js';
import { isList } from './json.js';
import type { Loaded } from './loaded.js';
import { parsePath, valueAt } from './setting-path.js';

/** The program first. */
type Argv = readonly [string, ...string[]];

/** Starts a program without a shell and waits for its end. It is handed in: this package starts nothing. */
export type RunHelper = (
  argv: Argv,
  /** Aborted when the time is up: end the program then. */
  signal: AbortSignal,
) => Promise<{ readonly code: number | null; readonly stdout: string }>;

export interface KeyHelperOptions {
  readonly settings: Pick<Loaded<unknown>, 'merged' | 'trusts' | 'origin'>;
  /** Where the helper's argv stands, a list of texts: `claude.keyHelper`. */
  readonly path: string;
  readonly run: RunHelper;
  /** How long the program may take. @default 10_000 */
  readonly timeoutMs?: number;
  /** How long a key counts. @default 300_000 */
  readonly ttlMs?: number;
  /** Milliseconds that never go back. @default performance.now */
  readonly now?: () => number;
}

export interface KeyHelper {
  /**
   * The key: what the program prints, without white space around it. Callers at the same time wait for one
   * program; a failure is not kept. Throws `ORCH_CONFIG_HELPER`, with nothing that was printed.
   */
  key(): Promise<string>;
  /** The next call starts the program again: the key was refused. */
  forget(): void;
  /** Every key so far, for whoever redacts. */
  secrets(): readonly string[];
}

/** No key is longer. */
const maxKeyLength = 16 * 1024;

/**
 * A command that prints a key. Throws `ORCH_CONFIG_HELPER_UNTRUSTED` if any part of it was set by a tier that
 * is not trusted, `ORCH_CONFIG_HELPER` if it is no list of texts.
 */
export function createKeyHelper(options: KeyHelperOptions): KeyHelper {
  const { settings, path, run, timeoutMs = 10_000, ttlMs = 300_000 } = options;
  const now = options.now ?? (() => performance.now());
  const details = { path, origin: settings.origin(path) };
  const fail = (message: string): ConfigError =>
    new ConfigError('ORCH_CONFIG_HELPER', `The key helper at ${path} ${message}.`, { details });
  const argv = valueAt(settings.merged, parsePath(path));
  if (!isList(argv) || argv.length === 0 || !argv.every((one) => typeof one === 'string')) {
    throw fail('is no command: expected a list of texts, the program first');
  }
  if (!settings.trusts(path)) {
    throw new ConfigError(
      'ORCH_CONFIG_HELPER_UNTRUSTED',
      `The key helper at ${path} was set by the ${details.origin?.tier ?? '?'} tier, which may not run commands. Set it in settings of your own.`,
      { details },
    );
  }

  const known = new Set<string>();
  let kept: { readonly key: string; readonly until: number } | undefined;
  let running: Promise<string> | undefined;

  async function ask(): Promise<string> {
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(fail(`did not end within ${timeoutMs} ms`));
        controller.abort();
      }, timeoutMs);
    });
    try {
      const ended = await Promise.race([run(argv as unknown as Argv, controller.signal), late]);
      if (ended.code !== 0) throw fail(`ended with exit code ${ended.code ?? 'none'}`);
      return read(ended.stdout);
    } catch (error) {
      if (ConfigError.isInstance(error)) throw error;
      // A runner's own error may quote what was printed.
      const { code } = error as { readonly code?: unknown };
      throw fail(`could not be run${typeof code === 'string' ? ` (${code})` : ''}`);
    } finally {
      clearTimeout(timer);
    }
  }

  function read(stdout: string): string {
    const key = stdout.trim();
    if (key === '') throw fail('printed nothing');
    if (key.length > maxKeyLength) throw fail('printed too much for a key');
    if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(key)) throw fail('printed more than one line');
    known.add(key);
    kept = { key, until: now() + ttlMs };
    return key;
  }

  return {
    async key() {
      if (kept !== undefined && now() < kept.until) return kept.key;
      running ??= ask().finally(() => (running = undefined));
      return running;
    },
    forget: () => (kept = undefined),
    secrets: () => [...known],
  };
}
