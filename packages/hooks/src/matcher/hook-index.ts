import type { EventFacts } from '../events/claude-events.js';
import { subjectOf } from '../events/event.js';
import type { JsonObject } from '../json.js';
import { identityOf } from '../table/hook-spec.js';
import type { RefusedHook } from '../table/read-layers.js';
import type { RunnableHook } from '../trust/load-table.js';
import { matches, mayConcern, type Matcher } from './matcher.js';

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

/** The hooks of one event: those for a name are found by it, and only the others are asked. */
interface EventHooks {
  readonly all: readonly RunnableHook[];
  readonly byName: ReadonlyMap<string, readonly number[]>;
  readonly others: readonly number[];
}

export function createHookIndex(table: {
  readonly hooks: readonly RunnableHook[];
  readonly refused: readonly RefusedHook[];
}): HookIndex {
  const hooks = new Map(
    [...groupBy(table.hooks, ({ event }) => event)].map(([event, all]) => [event, indexNames(all)]),
  );
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
    const found = candidates(hooks.get(event), facts, subject).filter((hook) => {
      if (!isFor(hook.reads)) return false;
      const identity = identityOf(hook.spec);
      if (seen.has(identity)) return false;
      seen.add(identity);
      return true;
    });
    const left = [...everywhere, ...(refused.get(event) ?? [])].filter(({ matcher }) =>
      mayConcern(matcher, isFor),
    );
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

function indexNames(all: readonly RunnableHook[]): EventHooks {
  const byName = new Map<string, number[]>();
  const others: number[] = [];
  for (const [position, { reads }] of all.entries()) {
    if (reads.kind !== 'names') others.push(position);
    else
      for (const name of new Set(reads.names))
        (byName.get(name) ?? setNew(byName, name)).push(position);
  }
  return { all, byName, others };
}

function setNew(map: Map<string, number[]>, name: string): number[] {
  const list: number[] = [];
  map.set(name, list);
  return list;
}

/** Hooks that may be for a subject, in their order. Where there is none to look up, all of them. */
function candidates(
  hooks: EventHooks | undefined,
  facts: EventFacts,
  subject: string | undefined,
): readonly RunnableHook[] {
  if (hooks === undefined) return [];
  const { all, byName, others } = hooks;
  if (facts.subject === undefined || subject === undefined) return all;
  const named = byName.get(subject);
  const positions = named === undefined ? others : [...others, ...named].sort((a, b) => a - b);
  return positions.flatMap((position) => all[position] ?? []);
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
