import { readFile, readlink } from 'node:fs/promises';
import { systemCode } from './errors.js';

/** Everything that tells a process from another one with the same number, or an empty text where nothing does. */
interface Self {
  readonly boot: string;
  readonly namespace: string;
}

/**
 * What names this process in the name of a file: four parts with `~` between them. Who finds the file
 * can tell whether its process still is.
 */
export async function signOfProcess(): Promise<string> {
  const self = await describeSelf();
  return [process.pid, await startTime(process.pid), self.boot, self.namespace].join('~');
}

/** The process that a sign names, if it may still live. */
export async function livingProcess(sign: string): Promise<number | undefined> {
  const [pid = '', start = '', boot = '', namespace = ''] = sign.split('~');
  return (await lives(Number(pid), start, boot, namespace)) ? Number(pid) : undefined;
}

async function lives(
  pid: number,
  start: string,
  boot: string,
  namespace: string,
): Promise<boolean> {
  const self = await describeSelf();
  if (boot !== self.boot) return false;
  // Processes of another container cannot be asked for, so that they count as living.
  if (namespace !== self.namespace) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false;
  }
  return (await startTime(pid)) === start;
}

async function describeSelf(): Promise<Self> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return { boot: boot.slice(0, 8), namespace: namespace.replace(/\D/g, '') };
}

/** When a process started, in ticks since the machine did; empty where the system does not say. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
