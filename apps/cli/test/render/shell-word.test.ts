import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { shellWord } from '../../src/render/shell-word.js';

it.each(['fix', 'fix[412]', "it's", 'a b', '$HOME', '`id`', '"', '\\', '*', '', 'plans/orch.yaml'])(
  'a shell takes %j as one argument, as it is',
  (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(
      text,
    );
  },
);

it('what needs no quotes has none', () => {
  expect(shellWord('orch/06fe')).toBe('orch/06fe');
});
