import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandItems, type FanOutItem } from '../../src/graph/fan-out.js';
import type { FanOut, Position } from '../../src/graph/graph.js';
import type { Scope, Template } from '../../src/graph/reference.js';
import type { Json } from '../../src/json.js';

const scope: Scope = { inputs: {}, run: { id: 'r', base: 'b' }, env: {}, task: () => undefined };
const at: Position = { file: 'f', line: 1, column: 1 };

const byNumber: Template = {
  kind: 'reference',
  reference: {
    root: { kind: 'item', name: 'issue' },
    path: ['number'],
    text: '${{ issue.number }}',
    at,
  },
};

function expand(values: readonly Json[], more: { key?: Template; max?: number; as?: string } = {}) {
  const fanOut: FanOut = { kind: 'foreach', as: 'issue', items: values, ...more };
  return expandItems({ id: 'triage', fanOut }, values, scope);
}

function itemsOf(
  values: readonly Json[],
  more: Parameters<typeof expand>[1] = {},
): readonly FanOutItem[] {
  const result = expand(values, more);
  if ('problem' in result) throw new Error(result.problem);
  return result.items;
}

describe('expandItems()', () => {
  it('names an item by its key: label for people, hash on disk', () => {
    expect(itemsOf([{ number: 412, title: 'x' }], { key: byNumber })).toEqual([
      // printf 412 | sha256sum
      {
        key: '412',
        id: 'triage-fabf5b7f',
        label: 'triage[412]',
        value: { number: 412, title: 'x' },
      },
    ]);
  });

  it('keeps every id when the list is reordered, shortened or extended', () => {
    const values = fc.uniqueArray(fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>, {
      selector: (value) => JSON.stringify(value),
      maxLength: 8,
    });
    fc.assert(
      fc.property(values, fc.nat(), (list, turn) => {
        const before = expand(list);
        if ('problem' in before) return;
        const cut = list.length === 0 ? 0 : turn % list.length;
        const turned = [...list.slice(cut), ...list.slice(0, cut)].reverse();
        const ids = (items: readonly FanOutItem[]) => items.map((item) => item.id).sort();
        expect(ids(itemsOf(turned))).toEqual(ids(before.items));
        const one = list.at(cut);
        if (one !== undefined) expect(itemsOf([one])[0]?.id).toBe(before.items[cut]?.id);
        for (const item of before.items) expect(item.id).toMatch(/^triage-[0-9a-f]{8}$/);
      }),
    );
  });

  it('tells values of different types apart, and keys of a mapping in any order not', () => {
    const [one, two] = itemsOf([1, '1']);
    expect(one?.id).not.toBe(two?.id);
    expect(itemsOf([{ a: 1, b: 2 }])[0]?.id).toBe(itemsOf([{ b: 2, a: 1 }])[0]?.id);
    expect(itemsOf([{ a: 1, b: 2 }])[0]?.id).not.toBe(itemsOf([{ a: 1, b: 3 }])[0]?.id);
  });

  it('lets the key decide, not the rest of the value', () => {
    const before = itemsOf([{ number: 1, title: 'old' }], { key: byNumber });
    const after = itemsOf([{ number: 1, title: 'new' }], { key: byNumber });
    expect(after[0]?.id).toBe(before[0]?.id);
    expect(itemsOf([{ number: 1, title: 'old' }])[0]?.id).not.toBe(
      itemsOf([{ number: 1, title: 'new' }])[0]?.id,
    );
  });

  it('refuses doubles, items without a key, and more than max; an empty list is fine', () => {
    expect(expand([1, 2, 1])).toEqual({
      problem: 'items 1 and 3 of its list have the same key: 1',
    });
    expect(expand([{ number: 1 }, { other: 1 }], { key: byNumber })).toEqual({
      problem: 'item 2 of its list has no key',
    });
    expect(expand([1, 2, 3], { max: 2 })).toEqual({
      problem: 'its list has 3 items, more than max: 2',
    });
    expect(expand([1, 2], { max: 2 })).toHaveProperty('items');
    expect(expand([], { max: 2 })).toEqual({ items: [] });
  });

  it('writes labels that cannot break a line or a terminal', () => {
    const labels = itemsOf(['a\nb', '\u001b[31mred', 'x'.repeat(200), '', '\u202etxt']).map(
      (item) => item.label,
    );
    expect(labels[0]).toBe('triage[a\uFFFDb]');
    expect(labels[1]).toBe('triage[\uFFFD[31mred]');
    expect(labels[2]).toMatch(/^triage\[[0-9a-f]{8}\]$/);
    expect(labels[3]).toMatch(/^triage\[[0-9a-f]{8}\]$/);
    expect(labels[4]).toBe('triage[\uFFFDtxt]');
  });

  it('joins the values of a matrix item for its label', () => {
    expect(itemsOf([{ os: 'linux', node: 20 }], { as: 'matrix' })[0]?.label).toBe(
      'triage[linux,20]',
    );
  });
});
