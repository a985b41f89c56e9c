import { openScreen, type Screen } from '../src/render/screen.js';

/** A screen whose bytes can be looked at. */
export interface Recording {
  readonly screen: Screen;
  readonly out: () => string;
  readonly error: () => string;
  /** Every write, for counting them. */
  readonly writes: readonly string[];
  /** What the stream says when it cannot be written. */
  readonly fail: (code: string) => void;
  size: { columns: number; rows: number };
}

export function recordingScreen(
  options: {
    readonly terminal?: boolean;
    readonly environment?: Readonly<Record<string, string>>;
    readonly columns?: number;
    readonly rows?: number;
  } = {},
): Recording {
  const writes: string[] = [];
  const notes: string[] = [];
  const size = { columns: options.columns ?? 80, rows: options.rows ?? 24 };
  const listeners: ((error: Error) => void)[] = [];
  const stream = (kept: string[]) => ({
    isTTY: options.terminal ?? false,
    get columns() {
      return size.columns;
    },
    get rows() {
      return size.rows;
    },
    write: (text: string) => kept.push(text) > 0,
    on(event: string, listener: (error: Error) => void) {
      if (event === 'error' && kept === writes) listeners.push(listener);
      return this;
    },
    off() {
      return this;
    },
  });
  return {
    // Of a stream, the screen uses nothing but these.
    screen: openScreen(
      stream(writes) as unknown as NodeJS.WriteStream,
      stream(notes) as unknown as NodeJS.WriteStream,
      options.environment ?? {},
    ),
    out: () => writes.join(''),
    error: () => notes.join(''),
    writes,
    fail: (code) => {
      for (const listener of listeners)
        listener(Object.assign(new Error(`write ${code}`), { code }));
    },
    size,
  };
}
