import { styleText, stripVTControlCharacters } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Where output goes: it knows whether it is a terminal, and survives a reader that went away. */
export interface Screen {
  readonly terminal: boolean;
  readonly columns: () => number;
  /** Whole lines for people or programs: stdout. */
  line(text: string): void;
  /** Hints and errors: stderr. */
  note(text: string): void;
  raw(text: string): void;
  style(style: Style, text: string): string;
}

/** The process's own screen. `NO_COLOR` and `TERM=dumb` are honoured; `FORCE_COLOR` overrides. */
export function openScreen(
  stdout: NodeJS.WriteStream = process.stdout,
  stderr: NodeJS.WriteStream = process.stderr,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Screen {
  const open = new Set<NodeJS.WriteStream>([stdout, stderr]);
  for (const stream of open) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever read us is gone (`orch status | head`): what is left to say has no reader.
      if (error.code === 'EPIPE') open.delete(stream);
      else throw error;
    });
  }
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    if (open.has(stream)) stream.write(text);
  };
  const dumb = environment['TERM'] === 'dumb';
  const terminal = stdout.isTTY && !dumb;
  const forced = environment['FORCE_COLOR'];
  const colors =
    forced !== undefined && forced !== '0' ? true : terminal && (environment['NO_COLOR'] ?? '') === '' && forced !== '0';
  return {
    terminal,
    columns: () => Math.max(40, stdout.columns || 80),
    line: (text) => write(stdout, `${text}\n`),
    note: (text) => write(stderr, `${text}\n`),
    raw: (text) => write(stdout, text),
    style: (style, text) => (colors ? styleText(style, text) : text),
  };
}

/** Cuts to what fits one line of the screen, counting what is seen. */
export function fit(text: string, columns: number): string {
  if (stripVTControlCharacters(text).length <= columns) return text;
  return `${stripVTControlCharacters(text).slice(0, Math.max(0, columns - 1))}…`;
}

/** Text that somebody else wrote, made safe for a terminal: no escapes, no control characters. */
export function neutral(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[^\P{Cc}\n\t]|\p{Cf}/gu, '');
}

/** `21s`, `3m05s`, `1h02m`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`;
}
