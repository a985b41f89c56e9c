import { inertJson, onlyStyles } from './neutral.js';

const styles = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

export type Style = keyof typeof styles;

/** Where output goes: it knows what kind of reader it has, and survives one that went away. */
export interface Screen {
  /** Lines may be drawn again: a terminal, and no CI log. */
  readonly live: boolean;
  /** What fits beside and below each other; without a terminal there is no limit. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Lines for people: stdout. */
  line(text: string): void;
  /** One value on one line, for programs: stdout. */
  json(value: unknown): void;
  /** Hints and errors: stderr. */
  note(text: string): void;
  /**
   * Waits until what was written has been taken, so that long output does not pile up in memory.
   * False: nobody reads it any more, and more of it is in vain.
   */
  taken(): Promise<boolean>;
  /** What `line` would write of a text. */
  guard(text: string): string;
  /** Bytes for the terminal, unguarded: for what is drawn again, and for nothing else. */
  draw(bytes: string): void;
  /** The terminal got another size. Returns what ends the listening. */
  onResize(listener: () => void): () => void;
  style(style: Style, text: string): string;
  /** Why stdout could not be written, unless its reader just went away. */
  readonly failure: () => Error | undefined;
}

type Stream = Pick<
  NodeJS.WriteStream,
  'write' | 'on' | 'off' | 'isTTY' | 'columns' | 'rows' | 'writableNeedDrain'
>;

/**
 * The process's own screen. `FORCE_COLOR` overrides `NO_COLOR`, which overrides the terminal;
 * `TERM=dumb` and `CI` get plain lines.
 */
export function openScreen(
  stdout: Stream = process.stdout,
  stderr: Stream = process.stderr,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Screen {
  const open = new Set([stdout, stderr]);
  let failure: Error | undefined;
  for (const stream of open) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever read us is gone (`orch status | head`, a closed window): a run goes on without them.
      open.delete(stream);
      if (stream === stdout && error.code !== 'EPIPE' && error.code !== 'EIO') failure ??= error;
    });
  }
  const write = (stream: Stream, text: string): void => {
    if (open.has(stream)) stream.write(text);
  };
  const dumb = environment['TERM'] === 'dumb';
  const colors = (stream: Stream): boolean => {
    const forced = environment['FORCE_COLOR'];
    if (forced !== undefined) return forced !== '0' && forced !== 'false';
    return stream.isTTY && !dumb && (environment['NO_COLOR'] ?? '') === '';
  };
  const [outColors, errorColors] = [colors(stdout), colors(stderr)];
  const ci = environment['CI'] ?? '';
  return {
    live: stdout.isTTY && !dumb && (ci === '' || ci === 'false'),
    size: () =>
      stdout.isTTY
        ? { columns: stdout.columns || 80, rows: stdout.rows || 24 }
        : { columns: Infinity, rows: Infinity },
    line: (text) => write(stdout, `${onlyStyles(text, outColors)}\n`),
    json: (value) => write(stdout, `${inertJson(value)}\n`),
    note: (text) => write(stderr, `${onlyStyles(text, errorColors)}\n`),
    taken: () =>
      new Promise((resolve) => {
        if (!open.has(stdout) || !stdout.writableNeedDrain) {
          resolve(open.has(stdout));
          return;
        }
        const settle = (): void => {
          stdout.off('drain', settle);
          stdout.off('error', settle);
          resolve(open.has(stdout));
        };
        stdout.on('drain', settle);
        stdout.on('error', settle);
      }),
    guard: (text) => onlyStyles(text, outColors),
    draw: (bytes) => write(stdout, bytes),
    onResize: (listener) => {
      stdout.on('resize', listener);
      return () => stdout.off('resize', listener);
    },
    style: (style, text) => {
      if (!outColors && !errorColors) return text;
      const [on, off] = styles[style];
      return `\u001b[${on}m${text}\u001b[${off}m`;
    },
    failure: () => failure,
  };
}
