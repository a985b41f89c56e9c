import { randomUUID } from 'node:crypto';
import { follow, openWriter } from '@orch/jsonl';
import type { Command } from '../state/event.js';
import type { RunLayout } from './layout.js';

/** A command on its way to the leader. The id makes it count once, however often it is read. */
export interface InboxRecord {
  readonly v: 1;
  readonly id: string;
  readonly at: string;
  readonly command: Command;
}

/** Asks the leader of a run for something. Any process may; only the leader writes the journal. */
export async function sendCommand(
  layout: RunLayout,
  command: Command,
  now: number,
): Promise<string> {
  const record: InboxRecord = { v: 1, id: randomUUID(), at: new Date(now).toISOString(), command };
  const writer = await openWriter<InboxRecord>(layout.inbox, {
    access: 'shared',
    durability: 'batch',
  });
  try {
    await writer.append(record);
  } finally {
    await writer.close();
  }
  return record.id;
}

/** Commands as they arrive, from the first one on, until the signal. */
export async function* followInbox(
  layout: RunLayout,
  signal: AbortSignal,
): AsyncIterable<InboxRecord> {
  for await (const { value } of follow<InboxRecord>(layout.inbox, { signal })) {
    if (isInboxRecord(value)) yield value;
  }
}

/** Anybody who may write the file can write anything into it. */
function isInboxRecord(value: unknown): value is InboxRecord {
  const record = value as Partial<InboxRecord> | null;
  return (
    typeof record === 'object' &&
    record !== null &&
    typeof record.id === 'string' &&
    typeof record.command === 'object' &&
    (record.command as Partial<Command> | null)?.kind === 'cancel' &&
    typeof (record.command as Partial<Command>).by === 'string'
  );
}
