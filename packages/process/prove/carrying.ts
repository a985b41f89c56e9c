import { readdirSync, readFileSync } from 'node:fs';

/** Numbers of the processes whose environment or arguments contain a text; found without our own code. */
export function carrying(text: string, file: 'environ' | 'cmdline'): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/${file}`, 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

const sleepMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** How many processes still carry a marker after some patience. */
export async function untilNone(marker: string, patienceMs: number): Promise<number> {
  const deadline = performance.now() + patienceMs;
  while (carrying(marker, 'environ').length > 0 && performance.now() < deadline) await sleepMs(50);
  return carrying(marker, 'environ').length;
}
