import type { EventFacts } from '../events/claude-events.js';
import { subjectOf } from '../events/event.js';
import type { JsonObject } from '../json.js';
import { identityOf } from '../table/hook-spec.js';
import type { RefusedHook } from '../table/read-layers.js';
import type { RunnableHook } from '../trust/load-table.js';
import { matches, readMatcher, type Matcher } from './matcher.js';

/** The hooks of an event, in the order of their tiers, identical ones once. */
export interface Found {
  readonly hooks: readonly RunnableHook[];
  readonly refused: readonly RefusedHook[];
}

/** Finds the hooks of an event without looking at those of others. */
export interface HookIndex {
  find(event: string, facts: EventFacts, payload: JsonObject): Found;
}

const nothing: Found = { hooks: [], refused: [] };
/** Subjects are names of tools and the like: few, and asked for again and again. */
const mostRemembered = 1000;

export function createHookIndex(table: {
  readonly hooks: readonly RunnableHook[];
  readonly refused: readonly RefusedHook[];
}): HookIndex {
  const hooks = groupBy(table.hooks, ({ event }) => event);
  // What names no event stands in the way of all.
  const everywhere = table.refused.filter(({ event }) => event === undefined);
  const refused = groupBy(
    table.refused.filter(({ event }) => event !== undefined),
    ({ event }) => event ?? '',
  );
  const remembered = new Map<string, Map<string, Found>>();

  function look(event: string, facts: EventFacts, subject: string | undefined): Found {
    const isGuarded = facts.block !== 'none';
    const isFor = (matcher: Matcher): boolean =>
      facts.subject === undefined || matches(matcher, subject, isGuarded);
    const seen = new Set<string>();
    const found = (hooks.get(event) ?? []).filter((hook) => {
      if (!isFor(hook.reads)) return false;
      const identity = identityOf(hook.spec);
      if (seen.has(identity)) return false;
      seen.add(identity);
      return true;
    });
    const left = [...everywhere, ...(refused.get(event) ?? [])].filter(({ matcher, reason }) => {
      // A slow expression is not tried; it counts for all.
      if (matcher === undefined || reason === 'slow_matcher') return true;
      const reads = readMatcher(matcher);
      return 'fault' in reads || isFor(reads);
    });
    return found.length === 0 && left.length === 0 ? nothing : { hooks: found, refused: left };
  }

  return {
    find(event, facts, payload) {
      if (!hooks.has(event) && !refused.has(event) && everywhere.length === 0) return nothing;
      const subject = subjectOf(facts, event, payload);
      let bySubject = remembered.get(event);
      if (bySubject === undefined) remembered.set(event, (bySubject = new Map<string, Found>()));
      const key = subject === undefined ? '' : `=${subject}`;
      const known = bySubject.get(key);
      if (known !== undefined) return known;
      if (bySubject.size >= mostRemembered) bySubject.clear();
      const found = look(event, facts, subject);
      bySubject.set(key, found);
      return found;
    },
  };
}

function groupBy<T>(
  all: readonly T[],
  keyOf: (one: T) => string,
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}
