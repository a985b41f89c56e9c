import { once } from 'node:events';
import { isFull, JsonlError, reasonOf, systemCode } from '../errors.js';
import type { Fault } from '../read/fault.js';

/** Where a command writes. */
export interface Output {
  /** Resolves when more may be written. */
  print(text: string): Promise<void>;
  note(text: string): void;
}

/** Signals that whoever read our output has seen enough. */
export class OutputClosed extends Error {
  /** What the command ends with. */
  readonly code: number;

  constructor(code = 0) {
    super();
    this.code = code;
  }
}

export function createOutput(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Output {
  let failure: unknown;
  stdout.on('error', (error: Error) => void (failure ??= error));
  // Who does not read our notes misses nothing of the answer.
  stderr.on('error', () => undefined);
  const check = (): void => {
    if (failure === undefined) return;
    if (systemCode(failure) === 'EPIPE') throw new OutputClosed();
    const code = isFull(failure) ? 'ORCH_JSONL_DISK_FULL' : 'ORCH_JSONL_WRITE_FAILED';
    throw new JsonlError(code, `Cannot write the output: ${reasonOf(failure)}`, {}, failure);
  };
  const write = (text: string): boolean => {
    try {
      return stdout.write(text);
    } catch (error) {
      // Where the output is a file, it is written in place.
      failure ??= error;
      return true;
    }
  };
  return {
    async print(text) {
      check();
      if (!write(text)) {
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
