import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderText, resolveTemplate } from '../../src/graph/resolve.js';
import { parseTemplate } from '../../src/graph/parse-template.js';
import type { Json } from '../../src/json.js';
import type { Scope, Template } from '../../src/graph/reference.js';
import { graphOf, taskOf } from './graph-from-text.js';

const scope = (values: Partial<Scope> = {}): Scope => ({
  inputs: {},
  run: { id: 'r', base: 'b' },
  env: {},
  task: () => undefined,
  ...values,
});

/** The prompt of a task that may use the input `x` and the output of `one`. */
async function promptOf(text: string): Promise<Template> {
  const graph = await graphOf(`
inputs: { x: { type: string, default: "" } }
tasks:
  - { id: one, prompt: x, output: { text: string, list: [{ n: integer }], flag: boolean } }
  - { id: a, needs: [one], prompt: ${JSON.stringify(text)} }
`);
  const { prompt } = taskOf(graph, 'a');
  if (prompt === undefined) throw new Error('no prompt');
  return prompt;
}

describe('renderText()', () => {
  it('inserts texts as they are and everything else as JSON with two spaces', async () => {
    const prompt = await promptOf(
      '<${{ one.text }}|${{ one.list }}|${{ one.flag }}|${{ run.id }}>',
    );
    const output = { text: 'a "b"', list: [{ n: 1 }], flag: false };
    expect(renderText(prompt, scope({ task: () => output }))).toBe(
      '<a "b"|[\n  {\n    "n": 1\n  }\n]|false|r>',
    );
  });

  it('writes null for what is missing', async () => {
    const prompt = await promptOf('<${{ one.text }} ${{ one.list[3].n }}>');
    expect(renderText(prompt, scope())).toBe('<null null>');
    expect(renderText(prompt, scope({ task: () => ({ list: 'no list' }) }))).toBe('<null null>');
  });

  it('never expands what was inserted', async () => {
    const prompt = await promptOf('${{ inputs.x }} and ${{ one.text }}');
    const payload = fc.oneof(
      fc.constantFrom(
        '${{ inputs.x }}',
        '$${{ inputs.x }}',
        '${{ env.SECRET }}',
        '}} ${{ one.text }}',
      ),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(payload, payload, (x, text) => {
        const filled = scope({ inputs: { x }, env: { SECRET: 'leak' }, task: () => ({ text }) });
        expect(renderText(prompt, filled)).toBe(`${x} and ${text}`);
      }),
    );
  });

  it('writes $${{ as a literal ${{', async () => {
    const prompt = await promptOf('Use $${{ github.sha }} and ${{ inputs.x }} and $$${{ a }}');
    expect(renderText(prompt, scope({ inputs: { x: 'y' } }))).toBe(
      'Use ${{ github.sha }} and y and $${{ a }}',
    );
  });

  it('looks up own members only', async () => {
    const prompt = await promptOf('${{ one.text }}');
    expect(
      renderText(prompt, scope({ task: () => Object.create({ text: 'inherited' }) as Json })),
    ).toBe('null');
  });
});

describe('resolveTemplate()', () => {
  it('keeps the type of a single reference and resolves lists and mappings inside', async () => {
    const graph = await graphOf(`
inputs: { n: { type: number, default: 3 } }
tasks:
  - id: a
    run: [make]
    inputs:
      number: "\${{ inputs.n }}"
      text: "n=\${{ inputs.n }}"
      nested: { list: ["\${{ inputs.n }}", 2], run: "\${{ run }}" }
      literal: { deep: [1, { x: null }] }
`);
    const { inputs } = taskOf(graph, 'a');
    const values = Object.entries(inputs).map(([name, template]) => [
      name,
      resolveTemplate(template, scope({ inputs: { n: 3 } })),
    ]);
    expect(Object.fromEntries(values)).toEqual({
      number: 3,
      text: 'n=3',
      nested: { list: [3, 2], run: { id: 'r', base: 'b' } },
      literal: { deep: [1, { x: null }] },
    });
  });
});

describe('parseTemplate()', () => {
  it('loses no character of any text: parts joined, with each literal ${{ escaped again, give the text back', () => {
    const piece = fc.oneof(
      fc.constantFrom('${{', '$${{', '}}', '$', ' a.b ', '{', 'x'),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const { parts, faults } = parseTemplate(text);
        if (faults.length > 0) {
          for (const { offset } of faults) expect(offset).toBeLessThanOrEqual(text.length);
          return;
        }
        // A dollar right before `${{` is the escape, whatever stands before it: it is one character of
        // the text and none of the value, and a `${{` of the value can have come from nowhere else.
        const joined = parts.map((part) =>
          typeof part === 'string' ? part.replaceAll('${{', () => '$${{') : part.text,
        );
        expect(joined.join('')).toBe(text);
      }),
    );
  });

  it('says where each key of a path stands', () => {
    const text = 'x ${{ a.b[2]["c d"].e }}';
    const [, hole] = parseTemplate(text).parts;
    if (hole === undefined || typeof hole === 'string') throw new Error('expected a reference');
    expect(hole.keys).toEqual(['a', 'b', 2, 'c d', 'e']);
    expect(hole.offsets.map((offset) => text[offset])).toEqual(['a', 'b', '2', '"', 'e']);
  });
});
