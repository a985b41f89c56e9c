import path from 'node:path';
import { openWriter, readAll } from '@orch/jsonl';
import type { Ledger, ProcessIdentity } from '@orch/process';

type Entry = ProcessIdentity & { readonly event: 'started' | 'ended'; readonly argv0?: string };

const ledgerFile = (runDirectory: string): string => path.join(runDirectory, 'processes.jsonl');

/** Records every process of a run before it counts as started. */
export async function openLedger(
  runDirectory: string,
): Promise<Ledger & { close(): Promise<void> }> {
  const writer = await openWriter<Entry>(ledgerFile(runDirectory), {
    access: 'shared',
    durability: 'kernel',
  });
  const entry = ({ pid, startTime, bootId }: ProcessIdentity) => ({ pid, startTime, bootId });
  return {
    async started(process) {
      await writer.append({ event: 'started', argv0: process.argv0, ...entry(process) });
    },
    async ended(process) {
      await writer.append({ event: 'ended', ...entry(process) });
    },
    close: () => writer.close(),
  };
}

/** Processes that were started and not seen to end. */
export async function unfinishedProcesses(
  runDirectory: string,
): Promise<readonly ProcessIdentity[]> {
  const open = new Map<string, ProcessIdentity>();
  const { records } = await readAll<Entry>(ledgerFile(runDirectory)).catch(() => ({
    records: [] as Entry[],
  }));
  for (const { event, pid, startTime, bootId } of records) {
    const key = `${pid}/${startTime}/${bootId}`;
    if (event === 'started') open.set(key, { pid, startTime, bootId });
    else open.delete(key);
  }
  return [...open.values()];
}
