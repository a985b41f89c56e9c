import { spawn } from 'node:child_process';

/** Milliseconds from the start of a program to its end. Rejects when it ends with anything but 0. */
function startMs(
  [program, ...args]: readonly [string, ...string[]],
  options: Options,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(program, args, { env: options.env, stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0
        ? resolve(performance.now() - startedAt)
        : reject(new Error(`${program} ended with ${String(code)}`)),
    );
  });
}

export interface Options {
  /** What they find on stdin. */
  readonly input: string;
  /** @default the environment of this process */
  readonly env?: NodeJS.ProcessEnv;
  /** @default 30 */
  readonly rounds?: number;
}

/** The least milliseconds of each, started in turn: what is above it is other work of the machine. */
export async function quickestStarts(
  programs: readonly (readonly [string, ...string[]])[],
  options: Options,
): Promise<number[]> {
  const least = programs.map(() => Infinity);
  for (let round = 0; round < (options.rounds ?? 30); round += 1) {
    for (const [index, argv] of programs.entries())
      least[index] = Math.min(least[index] ?? Infinity, await startMs(argv, options));
  }
  return least;
}

/** What `orch hook` may take where an empty node takes `emptyMs`, in ms and in words. */
export function hookBound(emptyMs: number): { readonly ms: number; readonly words: string } {
  return Number(process.versions.node.split('.')[0]) < 22
    ? { ms: emptyMs * 1.15, words: 'at most 1.15 x an empty node' }
    : { ms: emptyMs + 8, words: 'at most 8 ms more than an empty node' };
}
