import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { ProcessIdentity } from '../src/index.js';
import { environment, until, type Cleanup } from './witness.js';

/** A process with an owner in it, and what that started. */
export interface MortalOwner {
  readonly child: ChildProcess & { readonly pid: number };
  readonly leader: ProcessIdentity;
  readonly marker: string;
  /** The next line that it prints, as a value. */
  next(): Promise<unknown>;
}

let count = 0;

/** Runs `test/programs/owner.ts`, with what its comment says in `more`. */
export async function startOwner(
  program: string,
  argv: readonly string[],
  clean: Cleanup,
  more: Readonly<Record<string, string>> = {},
): Promise<MortalOwner> {
  const marker = `death-${process.pid}.${(count += 1)}`;
  const child = spawn(process.execPath, [program, marker, ...argv], {
    env: { ...environment, ...more },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  clean(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
  const { pid } = child;
  if (pid === undefined) throw new Error('The owner did not start.');
  return {
    child: Object.assign(child, { pid }),
    leader: (await next()) as ProcessIdentity,
    marker,
    next,
  };
}

export function reaperOf(owner: number): number | undefined {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1];
        const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return Number(parent) === owner && title.includes('orch-reaper');
      } catch {
        return false;
      }
    });
}

export async function killOwner(owner: MortalOwner): Promise<void> {
  owner.child.kill('SIGKILL');
  await once(owner.child, 'exit');
}

/** The owner is stopped meanwhile, or it would start another reaper. */
export async function killOwnerAndReaper(owner: MortalOwner): Promise<void> {
  await until(() => reaperOf(owner.child.pid) !== undefined, 'the reaper to start');
  owner.child.kill('SIGSTOP');
  const reaper = reaperOf(owner.child.pid);
  if (reaper !== undefined) process.kill(reaper, 'SIGKILL');
  await killOwner(owner);
}
