import { describe, expect, it } from 'vitest';
import { createSettings, type ProblemCode } from '../src/index.js';
import { setScene } from './scene.js';

const bytes = 1024 * 1024 - 100;
const fill = (piece: string): string => piece.repeat(Math.floor(bytes / piece.length));

/** Texts of a mebibyte that were made to be slow or deep. Each ends with an answer, not with the process. */
const attacks: readonly (readonly [string, string, ProblemCode | 'fine'])[] = [
  ['yaml', fill('['), 'ORCH_CONFIG_TOO_DEEP'],
  ['yaml', fill('{a: '), 'ORCH_CONFIG_TOO_DEEP'],
  ['yaml', fill('- '), 'ORCH_CONFIG_TOO_DEEP'],
  ['yaml', fill('? '), 'ORCH_CONFIG_TOO_DEEP'],
  ['yaml', fill('a: 1\n'), 'ORCH_CONFIG_TOO_LARGE'],
  ['yaml', fill('&a '), 'ORCH_CONFIG_TOO_LARGE'],
  ['yaml', fill('---\n'), 'ORCH_CONFIG_TOO_LARGE'],
  ['yaml', `a: ${fill('x')}`, 'fine'],
  ['toml', `a${fill('.b')} = 1`, 'ORCH_CONFIG_TOO_LARGE'],
  ['toml', `a = ${fill('[')}`, 'ORCH_CONFIG_TOO_DEEP'],
  ['toml', `a = "#" # ${'['.repeat(200)}`, 'fine'],
  ['toml', fill('[[a]]\n'), 'ORCH_CONFIG_TOO_LARGE'],
  ['toml', `a = "${fill('\\u0041')}"`, 'ORCH_CONFIG_TOO_LARGE'],
  ['toml', fill('# [\n'), 'fine'],
  ['json', fill('['), 'ORCH_CONFIG_TOO_DEEP'],
  ['json', fill('{"a":'), 'ORCH_CONFIG_TOO_DEEP'],
  ['json', fill('x '), 'ORCH_CONFIG_SYNTAX'],
  ['json', `{${fill('"__proto__":1,')}"a":1}`, 'ORCH_CONFIG_DUPLICATE_KEY'],
  ['json', JSON.stringify({ a: fill('${A:-') }), 'ORCH_CONFIG_VARIABLE_SYNTAX'],
  ['json', JSON.stringify({ a: fill('$') }), 'fine'],
  ['jsonc', fill('/* '), 'ORCH_CONFIG_SYNTAX'],
];

describe('a mebibyte made to be slow', () => {
  it.each(attacks.map(([format, text, code]) => [format, text.slice(0, 12), code, text] as const))(
    '%s %j… is %s',
    async (format, _shown, code, text) => {
      const file = setScene().write(`attack.${format}`, text);
      const loaded = await createSettings({
        sources: [{ tier: 'user', file }],
        environment: {},
      }).load();
      expect(loaded.problems.length).toBeLessThan(102);
      expect(loaded.problems[0]?.code ?? 'fine').toBe(code);
      expect(loaded.leaves().length).toBeLessThan(3);
    },
  );
});
