import type * as z from 'zod';
import type { Json } from '../json.js';
import { takeOut } from './take-out.js';
import type { Locations } from './locations.js';
import type { Path } from './path.js';
import { createReport, MAX_PROBLEMS, type Report } from './problem.js';
import { reportShape } from './schema-problems.js';

export interface Shape<T> {
  /** What remains when everything unusable is taken out; `undefined` when too little does. */
  readonly document: T | undefined;
  /** What was taken out. */
  readonly removed: readonly Path[];
}

/** Each round of taking out can uncover a key that is now missing; a few rounds settle it. */
const MAX_ROUNDS = 8;

/**
 * Checks a parsed document against its schema and reports every fault. What is unusable is taken out
 * of the result, so that the checks after this one still see the rest.
 */
export function checkShape<S extends z.ZodType>(
  schema: S,
  kind: 'plan' | 'part',
  value: Json,
  locations: Locations,
  report: Report,
): Shape<z.output<S>> {
  const silent = createReport();
  const removed: Path[] = [];
  let rest = value;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // Without words of its own an issue says nothing here; `schema-problems.ts` finds the words.
    const result = schema.safeParse(rest, { error: () => '' });
    if (result.success) return { document: result.data, removed };
    const context = { kind, value: rest, locations, report: round === 0 ? report : silent };
    const faults = reportShape(context, result.error.issues);
    if (faults.length > MAX_PROBLEMS) return { document: undefined, removed };
    for (const path of faults) {
      const out = takeOut(rest, path);
      if (out === undefined) return { document: undefined, removed };
      rest = out.rest;
      removed.push(out.removed);
    }
  }
  return { document: undefined, removed };
}
