import type { Json } from '../json.js';
import type { Path } from '../plan/path.js';
import type { Plan } from '../plan/plan.js';
import type { Report } from '../plan/problem.js';
import { isObject } from './json-kind.js';
import { placeOf, refuse } from './namespace.js';

/** Keys of a task whose texts are compiled, and complain for themselves. */
const COMPILED = ['prompt', 'inputs', 'run', 'sh', 'foreach', 'key', 'if', 'writes', 'output'];

/** Reports `${{` wherever it would stay literal in silence. */
export function refuseStrayReferences(plan: Plan, report: Report): void {
  const visit = (value: Json | undefined, path: Path): void => {
    if (report.isFull()) return;
    if (typeof value === 'string') {
      const offset = value.indexOf('${{');
      if (offset === -1) return;
      const place = placeOf(plan, path, value, { allowed: [] });
      const message = 'references are not resolved here';
      refuse(report, place, offset, 'ORCH_PLAN_REFERENCE_PLACE', message);
    } else if (Array.isArray(value)) {
      for (const [index, item] of (value as readonly Json[]).entries())
        visit(item, [...path, index]);
    } else if (isObject(value)) {
      for (const [key, item] of Object.entries(value)) {
        if (!isCompiled(path, key)) visit(item, [...path, key]);
      }
    }
  };
  visit(plan.document as Json, []);
}

function isCompiled(path: Path, key: string): boolean {
  const isTask = path.at(-2) === 'tasks' && typeof path.at(-1) === 'number';
  const isCommand = key === 'run' || key === 'sh' || (key === 'setup' && path[0] === 'workspace');
  return isTask ? COMPILED.includes(key) : isCommand;
}
