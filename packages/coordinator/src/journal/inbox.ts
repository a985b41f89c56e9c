import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { follow, openWriter } from '@orch/jsonl';
import type { Command } from '../state/event.js';
import type { RunLayout } from './layout.js';
import { isMissing } from './segments.js';

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

/** How long the inbox is now. What lies before that is from before. */
export async function inboxBytes(layout: RunLayout): Promise<number> {
  try {
    return (await stat(layout.inbox)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

/**
 * Commands as they arrive, from the first one on, until the signal. `expired`: it was written before
 * `since`, to a leader that is gone.
 */
export async function* followInbox(
  layout: RunLayout,
  signal: AbortSignal,
  since = 0,
): AsyncIterable<InboxRecord & { readonly expired: boolean }> {
  for await (const { value, byteEnd } of follow<InboxRecord>(layout.inbox, { signal })) {
    if (isInboxRecord(value)) yield { ...value, expired: byteEnd <= since };
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
