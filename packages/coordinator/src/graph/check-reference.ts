import { quote } from '../plan/describe.js';
import { nearest } from '../plan/suggestion.js';
import { noteUse, refuse, type Namespace, type Place } from './namespace.js';
import type { RawPath } from './parse-path.js';
import type { Reference } from './reference.js';
import { isPairedWith, type TaskEntry } from './task-table.js';
import { listKinds, stepInto, TEXT, type ValueType } from './value-type.js';

/** A reference that means something, and what is known about its value. */
export interface CheckedReference {
  readonly reference: Reference;
  readonly type: ValueType;
}

/** A path as written, with the text to show for it. */
export interface WrittenPath extends RawPath {
  readonly text: string;
}

const RUN: ValueType = {
  type: 'object',
  properties: { id: TEXT, base: TEXT },
  additionalProperties: false,
};

/** What a path refers to, or `undefined` after saying why it refers to nothing. */
export function checkReference(
  namespace: Namespace,
  raw: WrittenPath,
  place: Place,
): CheckedReference | undefined {
  const [first] = raw.keys;
  const name = String(first);
  const { item, values, table } = namespace;
  const finish = (
    root: Reference['root'],
    type: ValueType,
    from = 1,
    sources: readonly string[] = [],
  ): CheckedReference | undefined => {
    const found = walk(namespace, raw, place, type, from);
    if (found === undefined) return undefined;
    noteUse(namespace, sources, found);
    const { file, line, column } = place.spotAt(raw.offsets[0] ?? 0);
    const reference = {
      root,
      path: raw.keys.slice(from),
      text: raw.text,
      at: { file, line, column },
    };
    return { reference, type: found };
  };

  if (name === 'inputs' || name === 'run' || name === 'env') {
    if (!isAllowed(namespace, raw, place, name)) return undefined;
    const types = { inputs: namespace.inputs, run: RUN, env: environmentType(namespace) };
    return finish({ kind: name }, types[name]);
  }
  const value = place.allowed.includes('with') ? values.get(name) : undefined;
  if (value !== undefined) return finish({ kind: 'with', name }, value);
  if (item?.name === name) {
    const kind = name === 'matrix' ? 'matrix' : 'item';
    if (!isAllowed(namespace, raw, place, kind)) return undefined;
    if (place.isKnownOnly && !item.isKnownNow) {
      refuseTask(namespace, raw, place);
      return;
    }
    const root = kind === 'matrix' ? ({ kind } as const) : ({ kind, name } as const);
    return finish(root, item.type, 1, item.sources);
  }
  const entry = table.get(name);
  if (entry === undefined) {
    refuseRoot(namespace, raw, place, name);
    return;
  }
  if (!place.allowed.includes('task')) {
    refuseTask(namespace, raw, place);
    return;
  }
  return checkTask(namespace, raw, place, entry, finish);
}

type Finish = (
  root: Reference['root'],
  type: ValueType,
  from: number,
  sources: readonly string[],
) => CheckedReference | undefined;

function checkTask(
  namespace: Namespace,
  raw: WrittenPath,
  place: Place,
  entry: TaskEntry,
  finish: Finish,
): CheckedReference | undefined {
  const { report, self, table } = namespace;
  const { id } = entry;
  const second = raw.keys[1];
  const all = second === 'all';
  const unreachable = (message: string): undefined =>
    refuse(report, place, raw.offsets[0] ?? 0, 'ORCH_PLAN_REFERENCE_UNREACHABLE', message);
  if (entry === self) {
    unreachable(`${quote(id)} is this task; its own output is not there yet`);
    return;
  }
  const isPaired = namespace.isInside && isPairedWith(table, self, entry);
  const isNeeded = self.needs.includes(id);
  if (all && !entry.isFanOut) {
    unreachable(`${quote(id)} runs once and has no all; write ${id}.output`);
    return;
  }
  if (all ? !isNeeded : !isPaired && !isNeeded) {
    const edge = self.task.each === undefined && entry.isFanOut && !all ? ` or each: ${id}` : '';
    unreachable(`this task does not wait for ${quote(id)}; add needs: [${id}]${edge}`);
    return;
  }
  if (all) return finish({ kind: 'task', id, all }, allType(entry), 2, [id]);
  if (entry.isFanOut && !isPaired) {
    const message = `${quote(id)} runs once per item; write ${id}.all for the list, or each: ${id}`;
    unreachable(message);
    return;
  }
  if (entry.type === undefined) {
    const message = `${quote(id)} declares no output; add output: to it`;
    refuse(report, place, raw.offsets[0] ?? 0, 'ORCH_PLAN_REFERENCE_UNKNOWN', message);
    return;
  }
  if (second === undefined) {
    const message = `${quote(id)} is a task, no value; write ${id}.output`;
    refuse(report, place, raw.offsets[0] ?? 0, 'ORCH_PLAN_REFERENCE_TYPE', message);
    return;
  }
  return finish({ kind: 'task', id, all }, entry.type, second === 'output' ? 2 : 1, [id]);
}

/** Every item has its key, its label, whether it failed, and its output (null if it has none). */
function allType(entry: TaskEntry): ValueType {
  const properties = {
    key: TEXT,
    label: TEXT,
    failed: { type: 'boolean' },
    output: entry.type ?? { type: 'null' },
  };
  return { type: 'array', items: { type: 'object', properties, additionalProperties: false } };
}

function walk(
  { report }: Namespace,
  raw: WrittenPath,
  place: Place,
  type: ValueType,
  from: number,
): ValueType | undefined {
  let current = type;
  for (const [index, key] of raw.keys.entries()) {
    if (index < from) continue;
    const offset = raw.offsets[index] ?? 0;
    const step = stepInto(current, key);
    if ('type' in step) {
      current = step.type;
    } else if ('fields' in step) {
      const fields =
        step.fields.length === 0 ? 'nothing is declared' : `declared are ${step.fields.join(', ')}`;
      refuse(
        report,
        place,
        offset,
        'ORCH_PLAN_REFERENCE_UNKNOWN',
        `there is no ${quote(String(key))} here; ${fields}`,
        {
          received: String(key),
          suggestion: nearest(String(key), step.fields),
        },
      );
      return undefined;
    } else {
      const what = typeof key === 'number' ? `item [${key}]` : `field ${quote(key)}`;
      const message = `this is ${step.scalar} and has no ${what}`;
      refuse(report, place, offset, 'ORCH_PLAN_REFERENCE_TYPE', message);
      return;
    }
  }
  return current;
}

function environmentType({ env }: Namespace): ValueType {
  const properties = Object.fromEntries(env.map((name) => [name, TEXT]));
  return { type: 'object', properties, additionalProperties: false };
}

function isAllowed(
  { report }: Namespace,
  raw: WrittenPath,
  place: Place,
  kind: 'inputs' | 'run' | 'env' | 'matrix' | 'item',
): boolean {
  if (place.allowed.includes(kind)) return true;
  const message = `${quote(String(raw.keys[0]))} cannot be used here`;
  refuse(report, place, raw.offsets[0] ?? 0, 'ORCH_PLAN_REFERENCE_PLACE', message);
  return false;
}

function refuseTask({ report }: Namespace, raw: WrittenPath, place: Place): undefined {
  const what = `the output of a task ${place.instead ?? 'cannot be used here'}`;
  refuse(report, place, raw.offsets[0] ?? 0, 'ORCH_PLAN_REFERENCE_PLACE', what);
}

function refuseRoot(namespace: Namespace, raw: WrittenPath, place: Place, name: string): undefined {
  const { item, values, table, report } = namespace;
  if (name === 'matrix') {
    const message = 'this task has no matrix:';
    refuse(report, place, raw.offsets[0] ?? 0, 'ORCH_PLAN_REFERENCE_UNKNOWN', message);
    return;
  }
  const names = ['inputs', 'run', 'env', ...(item ? [item.name] : []), ...values.keys()];
  const message = `there is nothing called ${quote(name)} here; known are ${names.join(', ')} and the tasks`;
  refuse(report, place, raw.offsets[0] ?? 0, 'ORCH_PLAN_REFERENCE_UNKNOWN', message, {
    received: name,
    suggestion: nearest(name, [...names, ...table.keys()]),
  });
}

/** What a value of a type may be, in words, if that is known. */
export function describeType(kinds: readonly string[] | undefined): string {
  return kinds === undefined ? 'a value of unknown type' : listKinds(kinds);
}
