import type { Json } from '../json.js';
import type { Path } from '../plan/path.js';
import type { Plan } from '../plan/plan.js';
import type { Finding, PlanProblemCode, Report } from '../plan/problem.js';
import type { Spot } from '../plan/source-text.js';
import { isStrict } from './schema-support.js';
import type { TaskEntry, TaskTable } from './task-table.js';
import type { ValueType } from './value-type.js';

/** The item of a fan-out, as the tasks in it see it. */
export interface ItemName {
  readonly name: string;
  readonly type: ValueType;
  /** Whether the list is in the plan itself. */
  readonly isKnownNow: boolean;
  /** Tasks whose output the list comes from. */
  readonly sources: readonly string[];
}

/** That a task takes in part of another's output. */
export interface Use {
  readonly of: string;
  /** Whether the part that is used cannot carry text; see `isStrict`. */
  readonly isStrict: boolean;
}

/** What a reference in one task can mean. */
export interface Namespace {
  readonly plan: Plan;
  readonly report: Report;
  readonly table: TaskTable;
  readonly self: TaskEntry;
  /** Whether the tasks it is paired with are in scope: not for the list of a fan-out. */
  readonly isInside: boolean;
  readonly inputs: ValueType;
  readonly env: readonly string[];
  readonly item: ItemName | undefined;
  /** `with:` and `inputs:`, for the prompt. */
  readonly values: ReadonlyMap<string, ValueType>;
  /** Filled while references are checked; `trust.ts` reads it. */
  readonly uses: Use[];
}

export type RootKind = 'inputs' | 'matrix' | 'run' | 'env' | 'item' | 'task' | 'with';

/** A text that may hold references: where it stands, and what it may refer to. */
export interface Place {
  readonly path: Path;
  readonly spotAt: (offset: number) => Spot;
  readonly allowed: readonly RootKind[];
  /** The item may be referred to only if its list stands in the plan. */
  readonly isKnownOnly?: boolean;
  /** Ends the sentence "the output of a task …" where one is not allowed. */
  readonly instead?: string;
}

/** The place of a string value of the plan. */
export function placeOf(
  plan: Plan,
  path: Path,
  text: string,
  rules: Pick<Place, 'allowed' | 'isKnownOnly' | 'instead'>,
): Place {
  const spotAt = (offset: number): Spot => plan.locations.inside(path, text, offset);
  return { path, spotAt, ...rules };
}

/** Reports a problem at an offset of a place. */
export function refuse(
  report: Report,
  place: Place,
  offset: number,
  code: PlanProblemCode,
  message: string,
  more: Pick<Finding, 'expected' | 'received' | 'suggestion'> = {},
): undefined {
  report.add(place.spotAt(offset), place.path, { code, message, ...more });
}

/** Notes that the task takes in a value of this type from these tasks. */
export function noteUse(namespace: Namespace, of: readonly string[], type: ValueType): void {
  for (const id of of) namespace.uses.push({ of: id, isStrict: isStrict(type) });
}

/** The type of a declared input. */
export function inputTypes(plan: Plan): ValueType {
  const properties = Object.entries(plan.document.inputs ?? {}).map(
    ([name, input]): [string, Json] => [name, { type: input.type }],
  );
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
}
