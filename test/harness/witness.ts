import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** A process as the kernel shows it; nothing of orch is asked. */
export interface Seen {
  readonly pid: number;
  readonly startTime: string;
  readonly executable: string;
  readonly command: string;
}

/** Every live process that carries a variable in its environment. */
export function processesWith(variable: string, value: string): readonly Seen[] {
  const wanted = `${variable}=${value}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): Seen[] => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(wanted)) return [];
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (fields[0] === 'Z') return [];
        return [
          {
            pid: Number(name),
            startTime: fields[19] ?? '',
            executable: readlinkSync(`/proc/${name}/exe`),
            command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
          },
        ];
      } catch {
        // It ended while we looked.
        return [];
      }
    });
}

/** Waits until something holds, looking every few milliseconds; fails loudly when it never does. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false,
  limitMs = 60_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end)
      throw new Error(`Waited ${limitMs / 1000} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
