import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Document, Scalar } from 'yaml';
import { parseYaml } from '../../src/plan/parse-yaml.js';
import { createReport } from '../../src/plan/problem.js';
import { createSourceText } from '../../src/plan/source-text.js';
import { isObject } from '../../src/graph/json-kind.js';

type ScalarStyle = 'PLAIN' | 'QUOTE_SINGLE' | 'QUOTE_DOUBLE' | 'BLOCK_LITERAL' | 'BLOCK_FOLDED';

/** `{ a: [ { text } ] }` as YAML, with the text in one of YAML's styles. */
function write(text: string, style: ScalarStyle): string {
  const scalar = new Scalar(text);
  scalar.type = style;
  const document = new Document({ a: [{ text: 'x', after: 1 }] });
  document.setIn(['a', 0, 'text'], scalar);
  return document.toString({ lineWidth: 40 });
}

/** The character at the place that is found for an offset of the value. */
function located(yaml: string, text: string, offset: number): string {
  const report = createReport();
  const parsed = parseYaml(createSourceText('f', yaml), report);
  if (parsed === undefined) throw new Error(report.problems[0]?.message);
  const list = isObject(parsed.value) ? parsed.value['a'] : undefined;
  expect(list).toEqual([{ text, after: 1 }]);
  const { line, column } = parsed.locations.inside(['a', 0, 'text'], text, offset);
  return yaml.split('\n')[line - 1]?.[column - 1] ?? '\n';
}

describe('locations.inside()', () => {
  const styles = [
    'PLAIN',
    'QUOTE_SINGLE',
    'QUOTE_DOUBLE',
    'BLOCK_LITERAL',
    'BLOCK_FOLDED',
  ] as const;
  const space = fc.constantFrom(' ', '\n', '\n\n', '  ');
  const prose = (style: ScalarStyle): fc.Arbitrary<string> => {
    // The writer of this test folds texts with : and # into plain scalars that are no YAML.
    const letters =
      style === 'PLAIN' ? /^[a-zA-Z0-9${}.'"\\-]{1,12}$/ : /^[a-zA-Z0-9${}.'"\\#:-]{1,12}$/;
    return fc
      .array(fc.tuple(fc.stringMatching(letters), space), { minLength: 1, maxLength: 20 })
      .map((parts) => `x${parts.flat().join('')}y`);
  };

  it.each(styles)('finds each reference of a text in style %s', (style) => {
    fc.assert(
      fc.property(prose(style), prose(style), (before, after) => {
        const text = `${before} \${{ inputs.name }} ${after}`;
        expect(located(write(text, style), text, before.length + 1)).toBe('$');
        expect(located(write(text, style), text, before.length + 5)).toBe('i');
      }),
    );
  });

  it('finds the second of two equal references', () => {
    const text = 'Use ${{ x }} and ${{ x }}.';
    const yaml = `a:\n  - text: "Use \${{ x }} and\n      \${{ x }}."\n    after: 1\n`;
    const parsed = parseYaml(createSourceText('f', yaml), createReport());
    expect(parsed?.locations.inside(['a', 0, 'text'], text, 4)).toMatchObject({
      line: 2,
      column: 16,
    });
    expect(parsed?.locations.inside(['a', 0, 'text'], text, 17)).toMatchObject({
      line: 3,
      column: 7,
    });
    // Going back is allowed too.
    expect(parsed?.locations.inside(['a', 0, 'text'], text, 4)).toMatchObject({
      line: 2,
      column: 16,
    });
  });

  it('answers for the nearest parent of what is not there', () => {
    const parsed = parseYaml(createSourceText('f', 'a:\n  b: 1\n'), createReport());
    expect(parsed?.locations.key(['a', 'c', 'd'])).toMatchObject({ line: 1, column: 1 });
    expect(parsed?.locations.value(['a', 'b'])).toMatchObject({ line: 2, column: 6 });
    expect(parsed?.locations.key(['a', 'b'])).toMatchObject({ line: 2, column: 3 });
  });
});
