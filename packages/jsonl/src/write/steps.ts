import type { FileSystem } from '../file-system.js';

/** The calls that exist both ways, `stat` and `statSync`. */
type Call = {
  [Name in keyof FileSystem]: `${Name}Sync` extends keyof FileSystem ? Name : never;
}[keyof FileSystem];

type Answer<C extends Call> = Awaited<ReturnType<FileSystem[C]>>;

/** One call to the file system, or a pause. `inPlace`: nothing else goes on meanwhile, even where all else is waited for. */
export type Step =
  | { readonly call: Call; readonly given: readonly unknown[]; readonly inPlace?: boolean }
  | { readonly call: 'pause'; readonly pauseMs: number };

/**
 * Work written once as a sequence of calls, so that `append` and `appendSync` cannot differ in what
 * they do about short writes, failures, locks and rotation.
 */
export type Steps<T> = Generator<Step, T, unknown>;

/** Makes one call as a step. */
export function* ask<C extends Call>(
  call: C,
  ...given: Parameters<FileSystem[C]>
): Steps<Answer<C>> {
  return (yield { call, given }) as Answer<C>;
}

/** Makes one call as a step that is not handed to a thread. */
export function* askInPlace<C extends Call>(
  call: C,
  ...given: Parameters<FileSystem[C]>
): Steps<Answer<C>> {
  return (yield { call, given, inPlace: true }) as Answer<C>;
}

/** Waits a moment. 0 lets other work of this process go first. */
export function* pause(pauseMs: number): Steps<void> {
  yield { call: 'pause', pauseMs };
}

type AnyCall = (...given: readonly unknown[]) => unknown;

function perform(step: Step, fileSystem: FileSystem): unknown {
  if (step.call === 'pause') {
    const { pauseMs } = step;
    return new Promise<void>((resolve) => {
      if (pauseMs === 0) setImmediate(resolve);
      else setTimeout(resolve, pauseMs);
    });
  }
  const call = step.inPlace === true ? (`${step.call}Sync` as const) : step.call;
  return (fileSystem[call] as AnyCall)(...step.given);
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

function performSync(step: Step, fileSystem: FileSystem): unknown {
  if (step.call === 'pause') return Atomics.wait(sleeper, 0, 0, Math.max(0.02, step.pauseMs));
  return (fileSystem[`${step.call}Sync`] as AnyCall)(...step.given);
}

export async function runSteps<T>(steps: Steps<T>, fileSystem: FileSystem): Promise<T> {
  let next = steps.next();
  while (next.done !== true) {
    let answer: unknown;
    try {
      const step = next.value;
      answer = perform(step, fileSystem);
      // Whoever calls may go on only once the next call has begun.
      if (step.call === 'pause' || step.inPlace !== true) answer = await answer;
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(answer);
  }
  return next.value;
}

/** What came of the first call, which was made before the steps began. */
export type FirstOutcome = { readonly answer: unknown } | { readonly cause: unknown };

export function runStepsSync<T>(steps: Steps<T>, fileSystem: FileSystem, first?: FirstOutcome): T {
  let next = steps.next();
  if (first !== undefined && next.done !== true) {
    next = 'cause' in first ? steps.throw(first.cause) : steps.next(first.answer);
  }
  while (next.done !== true) {
    let answer: unknown;
    try {
      answer = performSync(next.value, fileSystem);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(answer);
  }
  return next.value;
}
