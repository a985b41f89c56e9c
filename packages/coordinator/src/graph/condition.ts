import type { Json } from '../json.js';
import { canonicalJson } from './canonical-json.js';
import { countCharacters } from './json-kind.js';
import type { Condition, Scope } from './reference.js';
import { resolveReference } from './resolve.js';

/**
 * Whether a condition holds: only `true` does. Never throws. A missing value is `null`; `==` and `!=`
 * compare deeply; `<` and its kin hold only between two numbers or two strings (by code units).
 */
export function evaluateCondition(condition: Condition, scope: Scope): boolean {
  return evaluate(condition, scope) === true;
}

function evaluate(condition: Condition, scope: Scope): Json {
  switch (condition.op) {
    case 'literal':
      return condition.value;
    case 'path':
      return resolveReference(condition.reference, scope) ?? null;
    case '!':
      return evaluate(condition.of, scope) !== true;
    case 'size':
      return sizeOf(evaluate(condition.of, scope));
    case '&&':
      return evaluateCondition(condition.left, scope) && evaluateCondition(condition.right, scope);
    case '||':
      return evaluateCondition(condition.left, scope) || evaluateCondition(condition.right, scope);
    default:
      return compare(
        condition.op,
        evaluate(condition.left, scope),
        evaluate(condition.right, scope),
      );
  }
}

type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in';

function compare(operator: Comparison, left: Json, right: Json): boolean {
  switch (operator) {
    case '==':
      return isEqual(left, right);
    case '!=':
      return !isEqual(left, right);
    case 'in':
      return isIn(left, right);
    default:
      if (typeof left === 'number' && typeof right === 'number') {
        return isOrdered(operator, left, right);
      }
      if (typeof left === 'string' && typeof right === 'string') {
        return isOrdered(operator, left, right);
      }
      return false;
  }
}

function isOrdered<T extends number | string>(
  operator: '<' | '<=' | '>' | '>=',
  left: T,
  right: T,
): boolean {
  switch (operator) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}

/** An element of a list, a part of a text, or a key of an object. */
function isIn(left: Json, right: Json): boolean {
  if (Array.isArray(right)) return (right as readonly Json[]).some((item) => isEqual(left, item));
  if (typeof left !== 'string') return false;
  if (typeof right === 'string') return right.includes(left);
  return typeof right === 'object' && right !== null && Object.hasOwn(right, left);
}

function isEqual(left: Json, right: Json): boolean {
  if (typeof left !== 'object' || typeof right !== 'object') return left === right;
  return canonicalJson(left) === canonicalJson(right);
}

/** Characters (code points) of a text, elements of a list, keys of an object; 0 for everything else. */
function sizeOf(value: Json): number {
  if (typeof value === 'string') return countCharacters(value);
  if (typeof value !== 'object' || value === null) return 0;
  return Array.isArray(value) ? value.length : Object.keys(value).length;
}
