import { writeFileSync } from 'node:fs';
import { openWriter, type JsonlWriter, type WriterOptions } from '../src/index.js';
import { logPower, type PowerLog, type PowerOptions } from './power-loss.js';
import { temporaryDirectory } from './temporary-directory.js';

export interface Event {
  readonly id: number;
}

export type At = (name: string) => string;

/** Does something with writers, and says which records count as safe, and when. */
export interface Scenario {
  readonly power?: (at: At) => PowerOptions;
  /** Which syncs it could not do without; those that only a moment before the end would need are left out. */
  readonly needs?: (sync: string, index: number) => boolean;
  readonly run: (at: At, log: PowerLog) => Promise<void>;
}

/** Plays a scenario, if asked without one of its syncs, and looks for losses. */
export async function play(
  { run, power }: Scenario,
  without?: number,
): Promise<{ syncs: readonly string[]; images: number; moments: number; lost: number }> {
  const at = temporaryDirectory();
  const given = power?.(at) ?? {};
  if (given.unsynced !== undefined) writeFileSync(given.unsynced.path, given.unsynced.content);
  const log = logPower({ ...given, without });
  await run(at, log);
  return { syncs: log.syncs, ...(await log.countLost()) };
}

export const writerOf = (
  at: At,
  log: PowerLog,
  options: WriterOptions,
): Promise<JsonlWriter<Event>> =>
  openWriter<Event>(at('a.jsonl'), { fileSystem: log.fileSystem, ...options });

/** Bursts of appends, each followed by one in place; each is safe once it was acknowledged. */
export async function appendBursts(
  writer: JsonlWriter<Event>,
  log: PowerLog,
  bursts: readonly number[],
): Promise<void> {
  let id = 0;
  const append = async (one: number): Promise<void> => {
    await writer.append({ id: one });
    log.acknowledge(one);
  };
  for (const burst of bursts) {
    await Promise.all(Array.from({ length: burst }, () => append((id += 1))));
    writer.appendSync({ id: (id += 1) });
    log.acknowledge(id);
  }
}

export const acknowledging = (options: WriterOptions, bursts = [1, 3, 9, 1]): Scenario => ({
  async run(at, log) {
    const writer = await writerOf(at, log, options);
    await appendBursts(writer, log, bursts);
    await writer.close();
  },
});
