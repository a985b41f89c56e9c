import type { Fault, FaultKind } from '../read/fault.js';
import type { DerivedRecord } from './transcript-line.js';

/**
 * Notices about the damage in a file. The first ones of a kind are told one by one, and what comes
 * after them together: a file may be nothing but damage, and would become many times its own size.
 */
export interface DamageNotes {
  see(fault: Fault): void;
  /** Puts a notice for each kind that was counted since the last call. */
  putCounted(): void;
}

interface Counted {
  readonly first: Fault;
  last: Fault;
  count: number;
}

export function createDamageNotes(
  path: string,
  oneByOne: number,
  put: (record: DerivedRecord) => void,
): DamageNotes {
  const told = new Map<FaultKind, number>();
  const counted = new Map<FaultKind, Counted>();
  const notice = (text: string, more: Readonly<Record<string, unknown>>): void =>
    put({ kind: 'notice', data: { level: 'warning', text: `${path}: ${text}`, ...more } });
  return {
    see(fault) {
      const { kind, line, byteStart, byteEnd } = fault;
      const before = told.get(kind) ?? 0;
      if (before < oneByOne) {
        told.set(kind, before + 1);
        notice(`line ${line}, bytes ${byteStart} to ${byteEnd}: ${kind}`, { fault });
        return;
      }
      const group = counted.get(kind);
      if (group === undefined) counted.set(kind, { first: fault, last: fault, count: 1 });
      else {
        group.last = fault;
        group.count += 1;
      }
    },
    putCounted() {
      for (const [kind, { first, last, count }] of counted) {
        const { byteStart, line } = first;
        const { byteEnd } = last;
        const where = `lines ${line} to ${last.line}, bytes ${byteStart} to ${byteEnd}`;
        const faults = { kind, count, byteStart, byteEnd, line };
        notice(`${where}: ${kind}, ${count} of them`, { faults });
      }
      counted.clear();
    },
  };
}
