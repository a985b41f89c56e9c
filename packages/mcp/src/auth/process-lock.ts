import { randomBytes } from 'node:crypto';
import {
  link,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** So many old generations are kept: a contender that slept is not to find its number free again. */
const keptGenerations = 16;
/** A holder that cannot be looked at (of another machine or container) is taken for dead after this time. */
const foreignMs = 15 * 60_000;
const pollMs = 25;

interface Holder {
  readonly pid: number;
  /** Tells this process from a later one with its number. */
  readonly started: string;
  /** Within which numbers of processes mean anything. */
  readonly realm: string;
}

/**
 * Runs `work` while no other process runs under this lock. A process that dies gives its lock back with its life.
 *
 * In `directory`, each acquisition is a file `name.generation` that says who made it; the highest generation holds,
 * unless its holder let go or is dead. Who wants the lock makes the next generation by link(2), which is whole at once
 * and fails if there is one. No name is used twice, so nobody can remove what another has just taken.
 */
export async function underLock<T>(
  directory: string,
  name: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const held = await acquire(directory, name, signal);
  try {
    return await work();
  } finally {
    await replace(directory, held, 'free');
  }
}

async function acquire(
  directory: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const self = JSON.stringify(await ownIdentity());
  for (;;) {
    signal?.throwIfAborted();
    const highest = await highestGeneration(directory, name);
    if (highest === 0 || (await isFree(join(directory, `${name}.${highest}`)))) {
      const next = highest + 1;
      const taken = join(directory, `${name}.${next}`);
      if (await create(directory, taken, self)) {
        // One that slept since it looked may have made a number that is long over.
        if ((await highestGeneration(directory, name)) === next) {
          await sweep(directory, name, next);
          return taken;
        }
        await rm(taken, { force: true });
      }
    }
    await sleep(pollMs * (0.5 + Math.random()), undefined, signal && { signal });
  }
}

async function highestGeneration(directory: string, name: string): Promise<number> {
  let highest = 0;
  for (const file of await readdir(directory))
    if (file.startsWith(`${name}.`)) {
      const generation = Number(file.slice(name.length + 1));
      if (generation > highest) highest = generation;
    }
  return highest;
}

async function isFree(path: string): Promise<boolean> {
  let text: string;
  let writtenMs: number;
  try {
    text = await readFile(path, 'utf8');
    writtenMs = (await stat(path)).mtimeMs;
  } catch {
    return false; // a higher one has come
  }
  if (text === 'free') return true;
  let holder: Partial<Holder>;
  try {
    holder = JSON.parse(text) as Partial<Holder>;
  } catch {
    return true; // made by nobody who keeps to this
  }
  const { pid = 0, started = '', realm = '' } = holder;
  if (realm !== (await ownIdentity()).realm) return Date.now() - writtenMs > foreignMs;
  return !(await isAlive(pid, started));
}

let identity: Promise<Holder> | undefined;
const ownIdentity = (): Promise<Holder> =>
  (identity ??= (async () => ({
    pid: process.pid,
    started: (await startOf(process.pid)) ?? '',
    realm: [await oneLine('/proc/sys/kernel/random/boot_id'), await namespaceOf()].join(' '),
  }))());

const oneLine = async (path: string): Promise<string> =>
  (await readFile(path, 'utf8').catch(() => '')).trim();

const namespaceOf = (): Promise<string> => readlink('/proc/self/ns/pid').catch(() => '');

/** When a process started, by the kernel's clock; undefined where there is no /proc, or no such process. */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await oneLine(`/proc/${pid}/stat`);
  if (text === '') return undefined;
  // The name of the program, in brackets, may have spaces in it. A zombie holds nothing any more.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

async function isAlive(pid: number, started: string): Promise<boolean> {
  if (started !== '') return (await startOf(pid)) === started;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** False if it is there already. */
async function create(directory: string, path: string, text: string): Promise<boolean> {
  const draft = await write(directory, text);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function replace(directory: string, path: string, text: string): Promise<void> {
  await rename(await write(directory, text), path);
}

async function write(directory: string, text: string): Promise<string> {
  const draft = join(directory, `draft-${process.pid}-${randomBytes(6).toString('hex')}`);
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
  return draft;
}

async function sweep(directory: string, name: string, held: number): Promise<void> {
  for (const file of await readdir(directory)) {
    if (!file.startsWith(`${name}.`)) continue;
    if (Number(file.slice(name.length + 1)) <= held - keptGenerations)
      await rm(join(directory, file), { force: true });
  }
}
