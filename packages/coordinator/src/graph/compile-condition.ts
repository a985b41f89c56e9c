import type { Json } from '../json.js';
import { quote } from '../plan/describe.js';
import { nearest } from '../plan/suggestion.js';
import { checkReference, describeType } from './check-reference.js';
import { textOf } from './json-kind.js';
import { refuse, type Namespace, type Place } from './namespace.js';
import { parseCondition, type RawCondition } from './parse-condition.js';
import type { Condition } from './reference.js';
import { allowedValues, kindsOf, typeOfValues, type ValueType } from './value-type.js';

interface Typed {
  readonly condition: Condition;
  readonly type: ValueType;
}

const BOOLEAN: ValueType = { type: 'boolean' };
const NUMBER: ValueType = { type: 'number' };

/** A checked condition, or `undefined` after saying what is wrong with it. */
export function compileCondition(
  namespace: Namespace,
  text: string,
  place: Place,
): Condition | undefined {
  const raw = parseCondition(text);
  if ('fault' in raw) {
    refuse(namespace.report, place, raw.offset, 'ORCH_PLAN_CONDITION', raw.fault);
    return;
  }
  const checker = createChecker(namespace, place);
  const typed = checker.check(raw);
  return typed && checker.requireBoolean(typed, raw) ? typed.condition : undefined;
}

interface Checker {
  readonly check: (raw: RawCondition) => Typed | undefined;
  readonly requireBoolean: (typed: Typed, raw: RawCondition) => boolean;
}

function createChecker(namespace: Namespace, place: Place): Checker {
  const say = (raw: RawCondition, message: string, suggestion?: string): false => {
    const more = suggestion === undefined ? {} : { suggestion };
    refuse(namespace.report, place, raw.offset, 'ORCH_PLAN_CONDITION', message, more);
    return false;
  };

  const check = (raw: RawCondition): Typed | undefined => {
    switch (raw.op) {
      case 'literal':
        return { condition: { op: 'literal', value: raw.value }, type: typeOfValues([raw.value]) };
      case 'path': {
        const found = checkReference(namespace, { ...raw.path, text: raw.text }, place);
        return found && { condition: { op: 'path', reference: found.reference }, type: found.type };
      }
      case '!': {
        const of = check(raw.of);
        if (of === undefined || !requireBoolean(of, raw.of)) return undefined;
        return { condition: { op: '!', of: of.condition }, type: BOOLEAN };
      }
      case 'size': {
        const of = check(raw.of);
        if (of === undefined || !requireSize(of, raw.of)) return undefined;
        return { condition: { op: 'size', of: of.condition }, type: NUMBER };
      }
      default:
        return checkBinary(raw);
    }
  };

  const checkBinary = (raw: Extract<RawCondition, { left: unknown }>): Typed | undefined => {
    const left = check(raw.left);
    const right = check(raw.right);
    const { op } = raw;
    if (op === '&&' || op === '||') {
      const leftFits = left !== undefined && requireBoolean(left, raw.left);
      const rightFits = right !== undefined && requireBoolean(right, raw.right);
      if (!leftFits || !rightFits) return undefined;
    } else {
      if (left === undefined || right === undefined) return undefined;
      const isIn = op === 'in';
      const fits = isIn ? requireIn(left, right, raw) : requireComparable(left, right, raw);
      if (!fits) return undefined;
    }
    return { condition: { op, left: left.condition, right: right.condition }, type: BOOLEAN };
  };

  const requireBoolean = (typed: Typed, raw: RawCondition): boolean => {
    const kinds = kindsOf(typed.type);
    if (kinds === undefined || kinds.includes('boolean')) return true;
    const message = `expected something true or false, received ${describeType(kinds)}; compare it with something`;
    return say(raw, message);
  };

  const requireSize = (typed: Typed, raw: RawCondition): boolean => {
    const kinds = kindsOf(typed.type);
    if (kinds?.some((kind) => ['string', 'array', 'object'].includes(kind)) ?? true) return true;
    return say(raw, `expected a text, a list or a mapping, received ${describeType(kinds)}`);
  };

  const requireComparable = (
    left: Typed,
    right: Typed,
    raw: Extract<RawCondition, { left: unknown }>,
  ): boolean => {
    const [leftKinds, rightKinds] = [kindsOf(left.type), kindsOf(right.type)];
    const isEquality = raw.op === '==' || raw.op === '!=';
    if (!isEquality) {
      for (const [kinds, side] of [
        [leftKinds, raw.left],
        [rightKinds, raw.right],
      ] as const) {
        if (kinds?.some((kind) => kind === 'number' || kind === 'string') ?? true) continue;
        return say(side, `${raw.op} compares numbers or texts, received ${describeType(kinds)}`);
      }
    }
    if (leftKinds && rightKinds && !leftKinds.some((kind) => rightKinds.includes(kind))) {
      const message = `${describeType(leftKinds)} is never ${describeType(rightKinds)}`;
      return say(raw, `${message}; ${raw.op} can have one result only`);
    }
    if (!isEquality) return true;
    return requireListed(left, right, raw.right) && requireListed(right, left, raw.left);
  };

  const sayUnlisted = (raw: RawCondition, value: Json, values: readonly Json[]): false => {
    const names = values.map(textOf);
    const message = `${quote(textOf(value))} is none of the declared values ${names.join(', ')}`;
    return say(raw, message, nearest(textOf(value), names));
  };

  /** `severity == 'hihg'` where the schema lists the values. */
  const requireListed = (listed: Typed, other: Typed, raw: RawCondition): boolean => {
    const values = allowedValues(listed.type);
    if (values === undefined || raw.op !== 'literal' || raw.value === null) return true;
    if (other.condition.op !== 'literal' || values.includes(raw.value)) return true;
    return sayUnlisted(raw, raw.value, values);
  };

  const requireIn = (
    left: Typed,
    right: Typed,
    raw: Extract<RawCondition, { left: unknown }>,
  ): boolean => {
    const kinds = kindsOf(right.type);
    if (!(kinds?.some((kind) => ['string', 'array', 'object'].includes(kind)) ?? true)) {
      return say(
        raw.right,
        `in looks into a list, a text or a mapping, received ${describeType(kinds)}`,
      );
    }
    const values = allowedValues(left.type);
    const members = raw.right.op === 'literal' ? raw.right.value : undefined;
    if (values === undefined || !Array.isArray(members)) return true;
    const stray = (members as readonly Json[]).find((value) => !values.includes(value));
    return stray === undefined ? true : sayUnlisted(raw.right, stray, values);
  };

  return { check, requireBoolean };
}
