import type { Json } from '../json.js';
import { quote } from '../plan/describe.js';
import { compileText, compileValue, referencesOf } from './compile-template.js';
import { expandItems } from './fan-out.js';
import type { FanOut } from './graph.js';
import { isObject } from './json-kind.js';
import { placeOf, refuse, type ItemName, type Namespace } from './namespace.js';
import { parseTemplate } from './parse-template.js';
import type { Scope, Template } from './reference.js';
import { MAX_MATRIX_ITEMS, TASK_DEFAULTS } from './task-defaults.js';
import { kindsOf, listKinds, typeOfValues, UNKNOWN, type ValueType } from './value-type.js';

/** A fan-out and the name its items go by. */
export interface CompiledFanOut {
  readonly fanOut: FanOut;
  readonly item: ItemName;
}

/** The fan-out of a `foreach` or `matrix` task; its key may refer to the item only. */
export function compileFanOut(namespace: Namespace): CompiledFanOut | undefined {
  const { task } = namespace.self;
  const list = task.matrix === undefined ? compileForeach(namespace) : compileMatrix(namespace);
  if (list === undefined) return undefined;
  const key = compileKey({ ...namespace, item: list.item });
  const fanOut: FanOut = {
    kind: 'foreach',
    as: list.item.name,
    items: list.items,
    ...(key === undefined ? {} : { key }),
    ...(task.max === undefined ? {} : { max: task.max }),
  };
  if (Array.isArray(list.items)) checkItems(namespace, fanOut, list.items as readonly Json[]);
  return { fanOut, item: list.item };
}

interface List {
  readonly items: Extract<FanOut, { kind: 'foreach' }>['items'];
  readonly item: ItemName;
}

function compileMatrix({ self, plan, report }: Namespace): List {
  const at = [...self.path, 'matrix'];
  let items: { [key: string]: Json }[] = [{}];
  for (const [name, values] of Object.entries(self.task.matrix ?? {})) {
    const choices = values as readonly Json[];
    if (items.length * choices.length > MAX_MATRIX_ITEMS) {
      const message = `expected at most ${MAX_MATRIX_ITEMS} combinations, received more`;
      report.add(plan.locations.key(at), at, { code: 'ORCH_PLAN_FAN_OUT', message });
      return { items: [], item: { name: 'matrix', type: UNKNOWN, isKnownNow: true, sources: [] } };
    }
    items = items.flatMap((item) => choices.map((value) => ({ ...item, [name]: value })));
  }
  const type = typeOfValues(items);
  return { items, item: { name: 'matrix', type, isKnownNow: true, sources: [] } };
}

function compileForeach(namespace: Namespace): List | undefined {
  const { self, plan, report, table } = namespace;
  const { foreach, max } = self.task;
  if (foreach === undefined) return undefined;
  const at = [...self.path, 'foreach'];
  const name = self.task.as ?? TASK_DEFAULTS.itemName;
  const say = (message: string): void => {
    report.add(plan.locations.value(at), at, { code: 'ORCH_PLAN_FAN_OUT', message });
  };
  if (['inputs', 'matrix', 'run', 'env'].includes(name) || table.has(name)) {
    const where = self.task.as === undefined ? at : [...self.path, 'as'];
    report.add(plan.locations.value(where), where, {
      code: 'ORCH_PLAN_RESERVED_NAME',
      message: `the item cannot be called ${quote(name)}, which means something else already; choose another as:`,
    });
    return undefined;
  }
  const allowed = ['inputs', 'run', 'env', 'task'] as const;
  const value = foreach as Json;
  const { template, type } = compileValue(namespace, value, at, { allowed });
  const sources = [
    ...new Set(
      referencesOf(template).flatMap(({ root }) => (root.kind === 'task' ? [root.id] : [])),
    ),
  ];
  const item = { name, type: itemType(type), isKnownNow: sources.length === 0, sources };
  if (Array.isArray(value)) {
    const items = template.kind === 'literal' ? (template.value as readonly Json[]) : template;
    return { items, item };
  }
  const kinds = kindsOf(type);
  if (template.kind !== 'reference') {
    // An empty literal is what is left of a reference that was reported.
    const isReported = template.kind === 'literal' && template.value === '';
    if (!isReported) say('expected a list, or one reference to a list');
  } else if (kinds !== undefined && !kinds.includes('array')) {
    say(`expected a list, received ${listKinds(kinds)}`);
  } else if (max === undefined) {
    say('max: is required, because how long the list is shows only when it is there');
  }
  return { items: template, item };
}

function itemType(list: ValueType): ValueType {
  return isObject(list['items']) ? list['items'] : UNKNOWN;
}

function compileKey(namespace: Namespace): Template | undefined {
  const { self, plan, report } = namespace;
  const { key } = self.task;
  if (key === undefined) return undefined;
  const at = [...self.path, 'key'];
  const allowed = ['inputs', 'item', 'matrix'] as const;
  const place = placeOf(plan, at, key, { allowed });
  if (!parseTemplate(key).parts.some((part) => typeof part !== 'string')) {
    const message = 'a key tells the items apart; expected a reference to the item';
    refuse(report, place, 0, 'ORCH_PLAN_FAN_OUT', message);
  }
  const { template } = compileText(namespace, key, place);
  return template.kind === 'literal' ? undefined : template;
}

/** What is known now is checked now: doubles, and more than `max`. */
function checkItems(
  { self, plan, report }: Namespace,
  fanOut: FanOut,
  items: readonly Json[],
): void {
  const scope: Scope = {
    inputs: {},
    run: { id: '', base: '' },
    env: {},
    task: () => undefined,
  };
  const key = fanOut.kind === 'foreach' ? fanOut.key : undefined;
  if (key && referencesOf(key).some(({ root }) => root.kind === 'inputs')) return;
  const expanded = expandItems({ id: self.id, fanOut }, items, scope);
  if (!('problem' in expanded)) return;
  const at = [...self.path, self.task.matrix === undefined ? 'foreach' : 'matrix'];
  const message = expanded.problem.replace('its list', 'the list');
  report.add(plan.locations.value(at), at, { code: 'ORCH_PLAN_FAN_OUT', message });
}
