import type { Tool } from '../hub/definitions.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { canonicalJson, sha256 } from './canonical-json.js';
import { shown } from './scan.js';

/** What of a tool is pinned: all that a model is told of it. */
export interface PinnedDefinition {
  readonly sha256: string;
  readonly definition: JsonObject;
}

const pinnedFields = [
  'name',
  'title',
  'description',
  'inputSchema',
  'outputSchema',
  'annotations',
] as const;

export function pinTool(tool: Tool): PinnedDefinition {
  const definition = Object.fromEntries(
    pinnedFields.flatMap((field) => (tool[field] === undefined ? [] : [[field, tool[field]]])),
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

/** How what a server says of a tool has changed. */
export interface DefinitionChange {
  readonly tool: string;
  /**
   * `added`, `removed`, `changed`: compared with what is pinned. `differs_from_lock`: with the project's lock file,
   * which holds hashes alone.
   */
  readonly kind: 'added' | 'removed' | 'changed' | 'differs_from_lock';
  /** At most 20. */
  readonly differences: readonly Difference[];
}

const mostDifferences = 20;
const excerptLength = 400;

export function differencesOf(before: JsonObject, after: JsonObject): readonly Difference[] {
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

/** A change as lines for a person: `- ` what was, `+ ` what is. */
export function formatChange({ tool, kind, differences }: DefinitionChange): string {
  const lines = differences.flatMap(({ at, before, after }) => [
    ...(before === undefined ? [] : [`- ${at || '/'}: ${before}`]),
    ...(after === undefined ? [] : [`+ ${at || '/'}: ${after}`]),
  ]);
  return [`${shown(tool)}: ${kind.replaceAll('_', ' ')}`, ...lines].join('\n');
}
