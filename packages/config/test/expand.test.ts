import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSettings, usualTiers } from '../src/index.js';
import { expandText, type Lookup } from '../src/expand.js';
import { setScene } from './scene.js';

const variables: Readonly<Record<string, string>> = {
  A: 'one',
  EMPTY: '',
  ODD: '${A} }$',
  B_2: 'two',
};
const lookup: Lookup = (name) =>
  name === 'SECRET'
    ? { refused: true }
    : { value: Object.hasOwn(variables, name) ? variables[name] : undefined };
const expand = (text: string, limit = 1000) => expandText(text, lookup, limit);

describe('expandText()', () => {
  it.each([
    ['plain', 'plain'],
    ['${A}', 'one'],
    ['<${A}${B_2}>', '<onetwo>'],
    ['${EMPTY}', ''],
    ['${EMPTY:-x}', 'x'],
    ['${NONE:-x}', 'x'],
    ['${NONE:-}', ''],
    ['${A:-x}', 'one'],
    ['${NONE:-${A}}', 'one'],
    ['${NONE:-a${NONE:-${A}b}c}', 'aonebc'],
    ['${NONE:-$5}', '$5'],
    ['${NONE:-$${A}', '${A'],
    ['$${A}', '${A}'],
    ['$$${A}', '$${A}'],
    ['$A $ $$ 5$', '$A $ $$ 5$'],
    ['a } b', 'a } b'],
    // What a variable holds is not read again.
    ['${ODD}', '${A} }$'],
    ['${NONE:-${ODD}}', '${A} }$'],
    // A default that is not used may name what is not there.
    ['${A:-${NONE}}', 'one'],
  ])('%s becomes %s', (text, expected) => {
    expect(expand(text)).toEqual({ text: expected, faults: [] });
  });

  it.each([
    ['${NONE}', 'UNSET', '${NONE}'],
    ['a ${NONE} ${A}', 'UNSET', 'a ${NONE} one'],
    ['${EMPTY:-${NONE}}', 'UNSET', '${NONE}'],
    ['${SECRET}', 'REFUSED', '${SECRET}'],
    ['${SECRET:-x}', 'REFUSED', '${SECRET:-x}'],
    ['${toString}', 'UNSET', '${toString}'],
    ['${__proto__}', 'UNSET', '${__proto__}'],
    ['${', 'SYNTAX', '${'],
    ['${}', 'SYNTAX', '${}'],
    ['${1A}', 'SYNTAX', '${1A}'],
    ['${A', 'SYNTAX', '${A'],
    ['${A:x}', 'SYNTAX', '${A:x}'],
    ['${A:-x', 'SYNTAX', '${A:-x'],
    ['${A:-${B', 'SYNTAX', '${A:-${B'],
    ['${A:-'.repeat(20) + '}'.repeat(20), 'SYNTAX', '${A:-'.repeat(20) + '}'.repeat(20)],
  ])('%s is a fault (%s) and stays', (text, code, stays) => {
    const { text: result, faults } = expand(text);
    expect(faults.map((fault) => fault.code)).toEqual([`ORCH_CONFIG_VARIABLE_${code}`]);
    expect(result).toBe(stays);
  });

  it('a result that grows beyond all measure is refused', () => {
    expect(expand('${A}'.repeat(400), 1000).faults).toMatchObject([
      { code: 'ORCH_CONFIG_TOO_LARGE' },
    ]);
    expect(expand('${A}'.repeat(300), 1000).faults).toEqual([]);
  });

  it('text without ${ is itself, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('${')),
        (text) => {
          expect(expand(text, 10_000)).toEqual({ text, faults: [] });
        },
      ),
    );
  });
});

describe('variables in settings', () => {
  const environment = { HOME: '/home/user', ORCH_TEST_TOKEN: 'fake-token-value', LIST: '[1]' };
  const load = async (text: string, tier = 'user', more: object = {}) => {
    const file = setScene().write('settings.yaml', text);
    return createSettings({ sources: [{ tier, file }], environment, ...more }).load();
  };

  it('are filled into texts, not into keys, and stay texts', async () => {
    const loaded = await load('path: ${HOME}/bin\nlist: ["${LIST}", 1]\n"${HOME}": x\n');
    expect(loaded.value).toEqual({ path: '/home/user/bin', list: ['[1]', 1], '${HOME}': 'x' });
  });

  it('that are not set are problems with their place, all of them', async () => {
    const loaded = await load('a: ${X}\nb:\n  - ${HOME}\n  - ${Y}\n');
    expect(loaded.value).toBeUndefined();
    expect(
      loaded.problems.map(({ line, column, path, code }) => [line, column, path, code]),
    ).toEqual([
      [1, 4, 'a', 'ORCH_CONFIG_VARIABLE_UNSET'],
      [4, 5, 'b[1]', 'ORCH_CONFIG_VARIABLE_UNSET'],
    ]);
  });

  it.each(['project', 'local'])('of the user are not told to the %s tier', async (tier) => {
    const attack = 'endpoint: https://example.invalid/${ORCH_TEST_TOKEN}\n';
    const loaded = await load(attack, tier);
    expect(loaded.value).toBeUndefined();
    expect(JSON.stringify(loaded)).not.toContain('fake-token-value');
    expect(loaded.problems).toMatchObject([{ code: 'ORCH_CONFIG_VARIABLE_REFUSED' }]);
    expect((await load(attack)).value).toEqual({
      endpoint: 'https://example.invalid/fake-token-value',
    });
    const tiers = usualTiers.map((one) => ({ ...one, variables: ['HOME'] }));
    expect((await load('a: ${HOME}\n', tier, { tiers })).value).toEqual({ a: '/home/user' });
  });

  it('are text when they are switched off', async () => {
    expect((await load('a: ${HOME}\n', 'user', { variables: 'off' })).value).toEqual({
      a: '${HOME}',
    });
  });

  it('are text under the keys that are said to be literal, and only there', async () => {
    const text = 'a: ${HOME}\nb: { c: ["${HOME}", "${NONE}"] }\n';
    const { value, problems } = await load(text, 'user', { literal: ['b'] });
    expect(value).toEqual({ a: '/home/user', b: { c: ['${HOME}', '${NONE}'] } });
    expect(problems).toEqual([]);
  });

  it('cannot blow a file up: 2,000 uses of a variable of 100 kB', async () => {
    const loaded = await load(`a: [${'"${BIG}",'.repeat(2000)}]\n`, 'user', {
      environment: { BIG: 'x'.repeat(100_000) },
    });
    expect(loaded.value).toBeUndefined();
    expect(loaded.problems[0]).toMatchObject({ code: 'ORCH_CONFIG_TOO_LARGE' });
  });
});
