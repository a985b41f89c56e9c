import type { FileSystem } from '../file-system.js';

/** One call that a commit asks of the file system; the answer is a number, 0 where there is none. */
export type Step =
  | { readonly call: 'write'; readonly bytes: Uint8Array }
  | { readonly call: 'fdatasync' }
  | { readonly call: 'truncate'; readonly length: number }
  | { readonly call: 'stat' };

/**
 * A commit written once as a sequence of calls, so that `append` and `appendSync` cannot differ in
 * what they do about short writes and failures.
 */
export type Steps<T> = Generator<Step, T, number>;

async function perform(step: Step, fileSystem: FileSystem, file: number): Promise<number> {
  switch (step.call) {
    case 'write':
      return fileSystem.write(file, step.bytes);
    case 'stat':
      return fileSystem.stat(file);
    case 'fdatasync':
      await fileSystem.fdatasync(file);
      return 0;
    case 'truncate':
      await fileSystem.truncate(file, step.length);
      return 0;
  }
}

function performSync(step: Step, fileSystem: FileSystem, file: number): number {
  switch (step.call) {
    case 'write':
      return fileSystem.writeSync(file, step.bytes);
    case 'stat':
      return fileSystem.statSync(file);
    case 'fdatasync':
      fileSystem.fdatasyncSync(file);
      return 0;
    case 'truncate':
      fileSystem.truncateSync(file, step.length);
      return 0;
  }
}

export async function runSteps<T>(
  steps: Steps<T>,
  fileSystem: FileSystem,
  file: number,
): Promise<T> {
  let next = steps.next();
  while (next.done !== true) {
    let answer: number;
    try {
      answer = await perform(next.value, fileSystem, file);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(answer);
  }
  return next.value;
}

export function runStepsSync<T>(steps: Steps<T>, fileSystem: FileSystem, file: number): T {
  let next = steps.next();
  while (next.done !== true) {
    let answer: number;
    try {
      answer = performSync(next.value, fileSystem, file);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(answer);
  }
  return next.value;
}
