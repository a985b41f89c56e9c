import type { EventFacts } from './claude-events.js';

/** Orch's own events that a hook can block: what was about to happen does not happen. */
export const orchEvents: Readonly<Record<OrchEvent, EventFacts>> = {
  'before.run': { subject: 'plan', block: 'refuse', fields: [] },
  'before.task': { subject: 'task', block: 'refuse', fields: [] },
  'before.merge': { subject: 'task', block: 'refuse', fields: [] },
  'before.delivery': { subject: 'target', block: 'refuse', fields: [] },
};

/** The name of an event of orch that can be blocked. */
export type OrchEvent = 'before.run' | 'before.task' | 'before.merge' | 'before.delivery';

/** An event of the journal, `noun.past`: it has happened, and hooks are only told. */
export const journalEvent: EventFacts = { subject: 'task', block: 'none', fields: [] };

const journalEventName = /^[a-z][a-z_]{0,40}\.[a-z][a-z_]{0,40}$/;

/** True for `attempt.started` and its like. */
export const isJournalEvent = (name: string): boolean =>
  journalEventName.test(name) && !name.startsWith('before.');
