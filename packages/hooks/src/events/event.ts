import { HooksError } from '../hooks-error.js';
import type { JsonObject } from '../json.js';
import { own } from '../json.js';
import { claudeEvents, type EventFacts } from './claude-events.js';
import { isJournalEvent, journalEvent, orchEvents } from './orch-events.js';

const known: ReadonlyMap<string, EventFacts> = new Map([
  ...Object.entries(claudeEvents),
  ...Object.entries(orchEvents),
]);

/** What is known of an event; undefined if there is no such event. */
export function findEvent(name: string): EventFacts | undefined {
  return known.get(name) ?? (isJournalEvent(name) ? journalEvent : undefined);
}

/** What is known of an event. Throws `ORCH_HOOKS_EVENT`. */
export function eventFacts(name: string): EventFacts {
  const facts = findEvent(name);
  if (facts !== undefined) return facts;
  throw new HooksError(
    'ORCH_HOOKS_EVENT',
    `There is no event ${JSON.stringify(name.slice(0, 80))}: expected one of Claude Code (${[...known.keys()].slice(0, 3).join(', ')}, …), before.run, before.task, before.merge, before.delivery, or an event of the journal such as attempt.started.${suggestion(name)}`,
    { details: { event: name } },
  );
}

/** "Did you mean": the event that differs in case only, or in few letters. */
export function suggestion(name: string): string {
  const wanted = name.toLowerCase().replaceAll(/[^a-z.]/g, '');
  const near = [...known.keys()].find((one) => {
    const lower = one.toLowerCase();
    return (
      lower === wanted ||
      (wanted.length > 4 && (lower.startsWith(wanted) || wanted.startsWith(lower)))
    );
  });
  return near === undefined || near === name ? '' : ` Did you mean ${near}?`;
}

/** What matchers of an event are tested against; undefined where the payload does not say. */
export function subjectOf(
  facts: EventFacts,
  event: string,
  payload: JsonObject,
): string | undefined {
  if (facts.subject === undefined) return undefined;
  const value = own(payload, facts.subject);
  if (typeof value !== 'string') return undefined;
  return event === 'FileChanged' ? value.slice(value.lastIndexOf('/') + 1) : value;
}

/** Every event with a name of its own, in the order of the tables. */
export const eventNames: readonly string[] = [...known.keys()];
