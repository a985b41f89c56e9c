import path from 'node:path';
import { openWriter, readAll } from '@orch/jsonl';
import type { Ledger, ProcessIdentity } from '@orch/process';

type Entry =
  | { readonly event: 'opened'; readonly marker: string }
  | (ProcessIdentity & { readonly event: 'started' | 'ended'; readonly argv0?: string });

const ledgerFile = (runDirectory: string): string => path.join(runDirectory, 'processes.jsonl');

/** Records every process of a run before it counts as started. */
export async function openLedger(
  runDirectory: string,
): Promise<Ledger & { opened(marker: string): Promise<void>; close(): Promise<void> }> {
  const writer = await openWriter<Entry>(ledgerFile(runDirectory), {
    access: 'shared',
    durability: 'kernel',
  });
  const entry = ({ pid, startTime, bootId }: ProcessIdentity) => ({ pid, startTime, bootId });
  return {
    async opened(marker) {
      await writer.append({ event: 'opened', marker });
    },
    async started(process) {
      await writer.append({ event: 'started', argv0: process.argv0, ...entry(process) });
    },
    async ended(process) {
      await writer.append({ event: 'ended', ...entry(process) });
    },
    close: () => writer.close(),
  };
}

/** Processes that were started and not seen to end, and the marker of every leader that started some. */
export async function unfinishedProcesses(runDirectory: string): Promise<{
  readonly identities: readonly ProcessIdentity[];
  readonly markers: readonly string[];
}> {
  const open = new Map<string, ProcessIdentity>();
  const markers: string[] = [];
  const { records } = await readAll<Entry>(ledgerFile(runDirectory)).catch(() => ({
    records: [] as Entry[],
  }));
  for (const record of records) {
    if (record.event === 'opened') {
      markers.push(record.marker);
      continue;
    }
    const { event, pid, startTime, bootId } = record;
    const key = `${pid}/${startTime}/${bootId}`;
    if (event === 'started') open.set(key, { pid, startTime, bootId });
    else open.delete(key);
  }
  return { identities: [...open.values()], markers };
}
