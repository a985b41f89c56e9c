import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { identify, isAlive, type ProcessIdentity } from '../src/index.js';

export const programs = fileURLToPath(new URL('programs', import.meta.url));

/** What the tests' programs need: nothing of the surroundings. */
export const environment = { PATH: process.env['PATH'] ?? '/bin:/usr/bin' };

/** Stock macOS has no `setsid`. */
export const hasSetsid = process.platform !== 'darwin';
const bySetsid = new Set([
  'setsid',
  'daemon',
  'renamed-daemon',
  'chain',
  'closed',
  'hidden',
  'subreaper',
]);

/** Those of the shapes of `hostile.sh` that can be made here: where there is no `setsid`, no program leaves its session. */
export const possible = (...shapes: string[]): string[] =>
  hasSetsid ? shapes : shapes.filter((shape) => !bySetsid.has(shape));

/** Registers what runs after the test; from the test's own context, because tests run side by side. */
export type Cleanup = (clean: () => void) => void;

export function temporaryDirectory(onTestFinished: Cleanup): string {
  const directory = mkdtempSync(join(tmpdir(), 'process-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface Verdict {
  readonly gone: boolean;
  /** Nobody holds the pipe. */
  readonly ended: boolean;
  readonly ticking: readonly string[];
}

export interface Witness {
  readonly directory: string;
  /** Looks on for up to `windows` times 2 s, until the tree is gone. */
  judge(windows?: number): Promise<Verdict>;
  /** Argv of a hostile tree that this witness watches, of those shapes that can be made here. */
  hostile(then: 'stay' | 'leave', ...shapes: string[]): [string, ...string[]];
  /** Resolves once every shape has proved that it lives. */
  untilAlive(...shapes: string[]): Promise<void>;
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited 15 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A process of its own that watches a tree from outside. What its tree leaves is killed after the test. */
export async function startWitness(onTestFinished: Cleanup): Promise<Witness> {
  const directory = temporaryDirectory(onTestFinished);
  execFileSync('mkfifo', [join(directory, 'pipe')]);
  const child = spawn(process.execPath, [join(programs, 'witness.mjs'), directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const members = new Map<string, ProcessIdentity>();
  const pidOf = (shape: string) => Number(readFileSync(join(directory, `pid.${shape}`), 'utf8'));
  onTestFinished(() => {
    child.kill('SIGKILL');
    for (const name of readdirSync(directory)) {
      if (name.startsWith('pid.') && !name.endsWith('.part')) remember(name.slice(4));
    }
    for (const member of members.values()) if (isAlive(member)) process.kill(member.pid, 'SIGKILL');
  });
  function remember(shape: string): void {
    const identity = identify(pidOf(shape));
    if (identity !== undefined && !members.has(shape)) members.set(shape, identity);
  }
  await lines.next();
  return {
    directory,
    async judge(windows = 5) {
      child.stdin.write(`${windows}\n`);
      const line = await lines.next();
      return JSON.parse(String(line.value)) as Verdict;
    },
    hostile: (then, ...shapes) => [
      ...(['sh', join(programs, 'hostile.sh'), directory, then] as const),
      ...possible(...shapes),
    ],
    async untilAlive(...shapes) {
      for (const shape of possible(...shapes)) {
        await until(() => existsSync(join(directory, `pid.${shape}`)), `${shape} to start`);
        remember(shape);
      }
    },
  };
}
