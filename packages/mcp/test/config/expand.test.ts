import { expect, test } from 'vitest';
import { expandVariables } from '../../src/config/expand.js';

test('variables are filled in once; what is not set has its default, or stays as written', () => {
  const environment = { A: '1', B: '${A}' };
  expect(expandVariables('${A} ${B} ${C:-c} ${D} $A ${A', environment)).toEqual({
    text: '1 ${A} c ${D} $A ${A',
    unset: ['D'],
    values: ['1', '${A}'],
  });
});

test('a text of references that nothing closes takes no longer than it is long', () => {
  const endless = '${a:-'.repeat(300_000);
  expect(expandVariables(endless, {})).toEqual({ text: endless, unset: [], values: [] });
  expect(expandVariables(`\${b:-c}${endless}`, {}).text).toBe(`c${endless}`);
});
