import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { follow, openWriter } from '@orch/jsonl';
import type { Command } from '../state/event.js';
import type { RunLayout } from './layout.js';
import { isMissing } from './segments.js';

/** A command on its way to the leader. The id makes it count once, however often it is read. */
interface InboxRecord {
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

/** What a leader acts on. */
interface Asked {
  readonly id: string;
  readonly command: Command;
  /** It was written to a leader that is gone. */
  readonly expired: boolean;
}

/** Commands as they arrive, from the first one on, until the signal. What lies before `since` has expired. */
export async function* followInbox(
  layout: RunLayout,
  signal: AbortSignal,
  since = 0,
): AsyncIterable<Asked> {
  for await (const { value, byteEnd } of follow(layout.inbox, { signal })) {
    const asked = readRecord(value);
    if (asked) yield { ...asked, expired: byteEnd <= since };
  }
}

/**
 * Anybody who may write the file can write anything into it. Only the known fields of a command go on from
 * here: others, which may be nested deeper than JSON can be written, would end the run that records them.
 */
function readRecord(value: unknown): Omit<Asked, 'expired'> | undefined {
  const { id, command } = fieldsOf(value);
  const { kind, by, reason } = fieldsOf(command);
  if (typeof id !== 'string' || kind !== 'cancel' || typeof by !== 'string') return undefined;
  return { id, command: { kind, by, ...(typeof reason === 'string' ? { reason } : {}) } };
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
