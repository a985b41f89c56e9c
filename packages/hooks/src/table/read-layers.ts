import { findEvent, suggestion } from '../events/event.js';
import type { Json, JsonObject } from '../json.js';
import { isJsonObject, own, parseJson } from '../json.js';
import { readMatcher, type Matcher } from '../matcher/matcher.js';
import { readHookSpec, type HookSpec } from './hook-spec.js';

/** Where settings come from. What `managed` and `user` say is policy; all others need an approval. */
export type Tier = 'managed' | 'user' | 'session' | 'local' | 'project';

/** The `hooks` of one settings file, with where they come from. */
export interface HookLayer {
  readonly tier: Tier;
  /** The file, for messages. */
  readonly source: string;
  /** `{EVENT: [{matcher?, hooks: [HOOK]}]}`; anything else is listed as refused. */
  readonly hooks: unknown;
  /** Why the file could not be read, if it could not. Hooks of a policy that nobody can read block every event. */
  readonly problem?: string;
}

/** A hook that was read, before anybody asked whether it may run. */
export interface HookEntry {
  readonly tier: Tier;
  readonly source: string;
  /** Where in the file: `hooks.PreToolUse[0].hooks[1]`. */
  readonly where: string;
  readonly event: string;
  /** As written. */
  readonly matcher: string;
  readonly reads: Matcher;
  readonly spec: HookSpec;
}

/** A hook that does not run, and why. Never silent: it is part of every outcome of its event. */
export interface RefusedHook {
  readonly tier: Tier;
  readonly source: string;
  readonly where: string;
  /** The event it is for; undefined where not even that can be read. */
  readonly event?: string;
  /** As written; undefined where it cannot be read, which counts as all. */
  readonly matcher?: string;
  readonly reason: RefusalReason;
  readonly message: string;
  /** What a person does about it. */
  readonly next?: string;
}

/**
 * - `invalid`: it cannot be read. - `slow_matcher`: see `findSlowPart`. - `not_approved`: nobody said yes.
 * - `unpinnable`: what it runs could be changed after a yes. - `host`, `shell_line`, `variable`: not allowed.
 */
export type RefusalReason =
  'invalid' | 'slow_matcher' | 'not_approved' | 'unpinnable' | 'host' | 'shell_line' | 'variable';

/** In this order hooks run and count; of identical ones the first stays. */
const order: readonly Tier[] = ['managed', 'user', 'session', 'local', 'project'];
const mostHooks = 10_000;

/** Reads all layers, highest tier first. Never throws: what cannot be read is refused, and the rest stands. */
export function readLayers(layers: readonly HookLayer[]): {
  readonly entries: readonly HookEntry[];
  readonly refused: readonly RefusedHook[];
} {
  const entries: HookEntry[] = [];
  const refused: RefusedHook[] = [];
  for (const layer of [...layers].sort((a, b) => order.indexOf(a.tier) - order.indexOf(b.tier)))
    readLayer(layer, entries, refused);
  return { entries, refused };
}

function readLayer(layer: HookLayer, entries: HookEntry[], refused: RefusedHook[]): void {
  const { tier, source } = layer;
  const refuse = (where: string, message: string, more: Partial<RefusedHook> = {}): void =>
    void refused.push({
      tier,
      source,
      where,
      reason: 'invalid',
      message: `${where}: ${message}`,
      ...more,
    });
  if (layer.problem !== undefined) refuse('hooks', `${source} cannot be read: ${layer.problem}`);
  if (layer.hooks === undefined || layer.hooks === null) return;
  const hooks = plain(layer.hooks);
  if (hooks === undefined || !isJsonObject(hooks)) {
    refuse('hooks', 'expected an object with a list for each event');
    return;
  }
  let count = 0;
  for (const [event, groups] of Object.entries(hooks)) {
    const place = `hooks.${event}`;
    if (findEvent(event) === undefined) {
      refuse(place, `there is no such event.${suggestion(event)}`, { event });
      continue;
    }
    if (!Array.isArray(groups)) {
      refuse(place, 'expected a list', { event });
      continue;
    }
    for (const [index, group] of (groups as readonly Json[]).entries()) {
      const where = `${place}[${index}]`;
      const read = readGroup(group, event, where, refuse);
      if (read === undefined) continue;
      for (const [inner, hook] of read.hooks.entries()) {
        const at = `${where}.hooks[${inner}]`;
        count += 1;
        if (count > mostHooks) {
          refuse(at, `only the first ${mostHooks} hooks of a file are read`, { event });
          return;
        }
        const spec = readHookSpec(hook);
        if ('fault' in spec) {
          refuse(spec.key === '' ? at : `${at}.${spec.key}`, spec.fault, {
            event,
            matcher: read.matcher,
          });
          continue;
        }
        entries.push({
          tier,
          source,
          where: at,
          event,
          matcher: read.matcher,
          reads: read.reads,
          spec,
        });
      }
    }
  }
}

type Refuse = (where: string, message: string, more?: Partial<RefusedHook>) => void;

function readGroup(
  group: Json,
  event: string,
  where: string,
  refuse: Refuse,
):
  | { readonly matcher: string; readonly reads: Matcher; readonly hooks: readonly Json[] }
  | undefined {
  if (!isJsonObject(group)) {
    refuse(where, 'expected an object with hooks', { event });
    return undefined;
  }
  const unknown = Object.keys(group).find((key) => !['matcher', 'hooks'].includes(key));
  const matcher = own(group, 'matcher') ?? '';
  const hooks = own(group, 'hooks');
  if (unknown !== undefined || typeof matcher !== 'string' || !Array.isArray(hooks)) {
    const fault =
      unknown !== undefined
        ? `${JSON.stringify(unknown.slice(0, 40))} is not a key here; there are matcher and hooks`
        : typeof matcher === 'string'
          ? 'hooks must be a list'
          : 'matcher must be text';
    refuse(where, fault, { event });
    return undefined;
  }
  const reads = readMatcher(matcher);
  if ('fault' in reads) {
    refuse(`${where}.matcher`, `${reads.fault}, at character ${reads.position + 1}`, { event });
    return undefined;
  }
  return { matcher, reads, hooks: hooks as readonly Json[] };
}

/** The value as JSON would carry it: no prototypes, no functions. Undefined if JSON cannot. */
function plain(value: unknown): JsonObject | Json | undefined {
  try {
    return parseJson(JSON.stringify(value));
  } catch {
    return undefined;
  }
}
