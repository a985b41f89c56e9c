import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { McpError } from '../src/index.js';

export const programs = fileURLToPath(new URL('programs', import.meta.url));

/** Registers what runs after the test; from the test's own context, because tests run side by side. */
export type Cleanup = (clean: () => void | Promise<void>) => void;

export function temporaryDirectory(onTestFinished: Cleanup): string {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const variable = 'MCP_TEST_WITNESS';
let count = 0;

/** Knows processes by a variable that this package knows nothing of, and that all descendants inherit. */
export interface Witness {
  readonly env: Readonly<Record<string, string>>;
  /** Numbers of the live processes (zombies are not) that carry the variable. */
  alive(): number[];
}

export function startWitness(): Witness {
  const value = `${process.pid}-${performance.timeOrigin}-${(count += 1)}`;
  const sign = `${variable}=${value}\0`;
  const carries = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(sign);
    } catch {
      return false; // ended meanwhile
    }
  };
  return {
    env: { [variable]: value },
    alive: () =>
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name) && carries(name))
        .map(Number),
  };
}

/** What keeps the event loop alive, by kind. */
export function openHandles(): Readonly<Record<string, number>> {
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1;
  return handles;
}

/** Handles of which there are more than `before`. What a closed socket leaves takes a turn or two to go. */
export async function handlesLeft(
  before: Readonly<Record<string, number>>,
): Promise<Readonly<Record<string, number>>> {
  const deadline = performance.now() + 3000;
  for (;;) {
    const more = Object.entries(openHandles())
      .map(([kind, number]) => [kind, number - (before[kind] ?? 0)] as const)
      .filter(([kind, number]) => number > 0 && kind !== 'Immediate');
    if (more.length === 0 || performance.now() > deadline) return Object.fromEntries(more);
    await new Promise((resolve) => setTimeout(resolve, 20).unref());
  }
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited 15 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The errors that all these must reject with. All are heard from the start: each may be the first to reject. */
export const refusals = (works: readonly Promise<unknown>[]): Promise<McpError[]> =>
  Promise.all(works.map(refusal));

/** The error that the work must reject with. */
export async function refusal(work: Promise<unknown>): Promise<McpError> {
  const error: unknown = await work.then(
    (value) => new Error(`It was not refused, but gave ${JSON.stringify(value)}.`),
    (reason: unknown) => reason,
  );
  if (!McpError.isInstance(error)) throw error;
  return error;
}
