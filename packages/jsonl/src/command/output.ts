import { once } from 'node:events';
import type { Fault } from '../read/fault.js';

/** Where a command writes. */
export interface Output {
  /** Resolves when more may be written. */
  print(text: string): Promise<void>;
  note(text: string): void;
}

/** Signals that whoever read our output has seen enough. */
export class OutputClosed extends Error {}

export function createOutput(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Output {
  let isClosed = false;
  let failure: Error | undefined;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') isClosed = true;
    else failure = error;
  });
  const check = (): void => {
    if (isClosed) throw new OutputClosed();
    if (failure !== undefined) throw failure;
  };
  return {
    async print(text) {
      check();
      if (!stdout.write(text)) {
        // An error ends the wait as well; it was noted above.
        await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => undefined);
      }
      check();
    },
    note: (text) => void stderr.write(`orch-jsonl: ${text}\n`),
  };
}

export function describeFault({ kind, line, byteStart, byteEnd, issues }: Fault): string {
  const why = issues === undefined ? '' : `  ${issues.map(({ message }) => message).join('; ')}`;
  const place = line > 0 ? `line ${line}, ` : '';
  return `${kind.padEnd(17)} ${place}bytes ${byteStart}-${byteEnd}${why}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
