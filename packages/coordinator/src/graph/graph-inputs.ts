import type { Json } from '../json.js';
import { quote } from '../plan/describe.js';
import type { Plan } from '../plan/plan.js';
import type { Report } from '../plan/problem.js';
import { nearest } from '../plan/suggestion.js';
import { own } from './json-kind.js';

/** The values of a run's inputs, from the texts of the command line and the defaults of the plan. */
export function coerceInputs(
  plan: Plan,
  given: { readonly [name: string]: string },
  report: Report,
): { readonly [name: string]: Json } {
  const declared = plan.document.inputs ?? {};
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue;
    const names = Object.keys(declared);
    const known = names.length === 0 ? 'it declares none' : `it declares ${names.join(', ')}`;
    report.add(plan.locations.key(['inputs']), ['inputs'], {
      code: 'ORCH_PLAN_INPUT_UNKNOWN',
      message: `the plan has no input ${quote(name)}; ${known}`,
      received: name,
      suggestion: nearest(name, names),
    });
  }
  const values = Object.entries(declared).map(([name, { type, default: fallback, required }]) => {
    const path = ['inputs', name];
    const text = own(given, name);
    if (text === undefined) {
      if (fallback === undefined && required !== false) {
        report.add(plan.locations.key(path), path, {
          code: 'ORCH_PLAN_INPUT_MISSING',
          message: `the input ${quote(name)} is required; give it with --input ${name}=…`,
          expected: `a ${type}`,
        });
      }
      return [name, fallback ?? null] as const;
    }
    const value = coerce(text, type);
    if (value === undefined) {
      report.add(plan.locations.key(path), path, {
        code: 'ORCH_PLAN_INPUT_TYPE',
        message: `the input ${quote(name)}: expected ${EXPECTED[type]}, received ${quote(text)}`,
        expected: EXPECTED[type],
        received: text,
      });
    }
    return [name, value ?? null] as const;
  });
  return Object.fromEntries(values);
}

const EXPECTED = { string: 'a text', number: 'a number', boolean: 'true or false' } as const;

function coerce(text: string, type: 'string' | 'number' | 'boolean'): Json | undefined {
  if (type === 'string') return text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  const isNumber = /^[+-]?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?$/.test(text.trim());
  const value = Number(text);
  return isNumber && Number.isFinite(value) ? value : undefined;
}
