import type { Json } from '../json.js';
import { quote } from '../plan/describe.js';
import type { Path } from '../plan/path.js';
import { compileValue, type TypedTemplate } from './compile-template.js';
import { isObject } from './json-kind.js';
import type { Namespace } from './namespace.js';
import type { Template } from './reference.js';
import type { ValueType } from './value-type.js';

export interface TaskInputs {
  readonly templates: { readonly [name: string]: Template };
  readonly types: ReadonlyMap<string, ValueType>;
}

/**
 * The named values of a task: `prompt.with` and `inputs:` together. A command in a fan-out gets its
 * item too, under the item's name: it has no prompt to mention it in.
 */
export function compileInputs(namespace: Namespace): TaskInputs {
  const { self, item, plan, report } = namespace;
  const { task, path } = self;
  const groups: [Path, { readonly [name: string]: unknown }][] = [];
  if (isObject(task.prompt as Json) && typeof task.prompt === 'object') {
    groups.push([[...path, 'prompt', 'with'], task.prompt.with ?? {}]);
  }
  if (task.inputs !== undefined && !Array.isArray(task.inputs)) {
    groups.push([[...path, 'inputs'], task.inputs]);
  }
  const templates = new Map<string, TypedTemplate>();
  const taken = new Map<string, string>();
  for (const [parent, values] of groups) {
    for (const [name, value] of Object.entries(values)) {
      const at = [...parent, name];
      const other = taken.get(name.toLowerCase());
      if (other !== undefined) {
        const message = `${quote(name)} is given already as ${quote(other)}; both would be ORCH_INPUT_${name.toUpperCase()}`;
        report.add(plan.locations.key(at), at, { code: 'ORCH_PLAN_DUPLICATE_NAME', message });
      } else if (['inputs', 'run', 'env', 'matrix'].includes(name)) {
        const message = `a value cannot be called ${quote(name)}, which means something else already`;
        report.add(plan.locations.key(at), at, { code: 'ORCH_PLAN_RESERVED_NAME', message });
      } else {
        const allowed = ['inputs', 'matrix', 'run', 'env', 'item', 'task'] as const;
        templates.set(name, compileValue(namespace, value as Json, at, { allowed }));
      }
      taken.set(name.toLowerCase(), name);
    }
  }
  if (self.isCommand && item !== undefined && !taken.has(item.name.toLowerCase())) {
    templates.set(item.name, itemTemplate(namespace, item.name, item.type));
  }
  return {
    templates: Object.fromEntries([...templates].map(([name, { template }]) => [name, template])),
    types: new Map([...templates].map(([name, { type }]) => [name, type])),
  };
}

function itemTemplate({ self, plan }: Namespace, name: string, type: ValueType): TypedTemplate {
  const { file, line, column } = plan.locations.value(self.path);
  const root =
    name === 'matrix' ? ({ kind: 'matrix' } as const) : ({ kind: 'item', name } as const);
  const at = { file, line, column };
  const reference = { root, path: [], text: `\${{ ${name} }}`, at };
  return { template: { kind: 'reference', reference }, type };
}
