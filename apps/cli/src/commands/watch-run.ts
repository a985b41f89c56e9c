import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { readRun, type RunRecord } from '@orch/core/status';

const lookMs = 200;

/** A run whenever there is news of it: its journal grew, or its leader came or went. Until the signal. */
export async function* watchRun(
  root: string,
  run: string,
  signal: AbortSignal,
): AsyncGenerator<RunRecord, void, undefined> {
  let seen = '';
  let looked: RunRecord | undefined;
  while (!signal.aborted) {
    const size = looked ? await journalSize(looked.layout.journal) : '';
    // A leader that died wrote nothing about it, so who leads is looked at each time round.
    if (!looked || size !== seen || looked.led) {
      const record = await readRun(root, run);
      const news =
        size !== seen || record.led !== looked?.led || record.state.seq !== looked.state.seq;
      looked = record;
      seen = size;
      if (news) yield record;
    }
    await pause(lookMs, signal);
  }
}

async function journalSize(directory: string): Promise<string> {
  const names = await readdir(directory);
  const sizes = await Promise.all(names.map((name) => stat(path.join(directory, name))));
  return sizes.map(({ size }) => size).join();
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
