import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { canonicalJson, sha256 } from './canonical-json.js';
import { nameOf, partKinds, type DefinitionPart } from './definition-part.js';
import { shown } from './scan.js';

/** What of a definition is pinned: all that a model is told of it. */
export interface PinnedDefinition {
  readonly sha256: string;
  readonly definition: JsonObject;
}

export function pinDefinition(part: DefinitionPart, given: JsonObject): PinnedDefinition {
  const definition = Object.fromEntries(
    partKinds[part].fields.flatMap((field) =>
      given[field] === undefined ? [] : [[field, given[field]]],
    ),
  ) as JsonObject;
  return { sha256: sha256(canonicalJson(definition)), definition };
}

/** One place where two definitions are not the same. Hidden characters are written as their numbers. */
export interface Difference {
  /** As a JSON pointer. */
  readonly at: string;
  /** Left out where there was nothing. */
  readonly before?: string;
  readonly after?: string;
}

/** How what a server says of a tool, prompt, resource or template, or its instructions, has changed. */
export interface DefinitionChange {
  readonly part: DefinitionPart;
  /** Of a resource its address, of a template its text. */
  readonly name: string;
  /**
   * `added`, `removed`, `changed`: compared with what is pinned. `differs_from_lock`: with the project's lock file,
   * which holds hashes of tools alone.
   */
  readonly kind: 'added' | 'removed' | 'changed' | 'differs_from_lock';
  /** At most 20. */
  readonly differences: readonly Difference[];
}

const mostDifferences = 20;
const excerptLength = 400;

function differencesOf(before: JsonObject, after: JsonObject): readonly Difference[] {
  const found: Difference[] = [];
  compare(before, after, '', found);
  return found;
}

function compare(
  before: Json | undefined,
  after: Json | undefined,
  at: string,
  found: Difference[],
): void {
  if (found.length >= mostDifferences || canonicalJson(before) === canonicalJson(after)) return;
  if (isJsonObject(before) && isJsonObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      compare(
        before[key],
        after[key],
        `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        found,
      );
    return;
  }
  const texts = [before, after].map((value) =>
    typeof value === 'string' ? value : value === undefined ? undefined : canonicalJson(value),
  );
  const [old, new_] = texts;
  const from =
    old === undefined || new_ === undefined ? 0 : Math.max(0, firstChange(old, new_) - 40);
  const cut = (text: string): string =>
    `${from > 0 ? '…' : ''}${shown(text.slice(from), excerptLength)}`;
  found.push({
    at,
    ...(old !== undefined && { before: cut(old) }),
    ...(new_ !== undefined && { after: cut(new_) }),
  });
}

/** So that what changed at the end of a long text is in the excerpt. */
function firstChange(before: string, after: string): number {
  let at = 0;
  while (at < before.length && before[at] === after[at]) at += 1;
  return at;
}

/** How definitions differ from those that are pinned, and tools from the hashes of a lock. */
export function changesOf(
  part: DefinitionPart,
  definitions: readonly JsonObject[],
  pinned: Readonly<Record<string, PinnedDefinition>>,
  lock: Readonly<Record<string, string>> | undefined,
): readonly DefinitionChange[] {
  const known = new Map(Object.entries(pinned));
  const locked = lock === undefined ? undefined : new Map(Object.entries(lock));
  const changes: DefinitionChange[] = [];
  for (const given of definitions) {
    const name = nameOf(part, given);
    const now = pinDefinition(part, given);
    const before = known.get(name);
    known.delete(name);
    const note = (kind: DefinitionChange['kind'], differences: readonly Difference[]): void =>
      void changes.push({ part, name, kind, differences });
    if (before === undefined) note('added', differencesOf({}, now.definition));
    // The hash is computed anew: a pin whose two halves do not agree is no pin.
    else if (pinDefinition(part, before.definition).sha256 !== now.sha256)
      note('changed', differencesOf(before.definition, now.definition));
    else if (locked !== undefined && locked.get(name) !== now.sha256) note('differs_from_lock', []);
  }
  for (const [name, { definition }] of known)
    changes.push({ part, name, kind: 'removed', differences: differencesOf(definition, {}) });
  return changes;
}

/** A change as lines for a person: `- ` what was, `+ ` what is. */
export function formatChange({ part, name, kind, differences }: DefinitionChange): string {
  const lines = differences.flatMap(({ at, before, after }) => [
    ...(before === undefined ? [] : [`- ${at || '/'}: ${before}`]),
    ...(after === undefined ? [] : [`+ ${at || '/'}: ${after}`]),
  ]);
  return [`${partKinds[part].noun} ${shown(name)}: ${kind.replaceAll('_', ' ')}`, ...lines].join(
    '\n',
  );
}
