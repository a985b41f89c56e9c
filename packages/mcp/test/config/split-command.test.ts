import { expect, test } from 'vitest';
import { splitCommand } from '../../src/config/split-command.js';

test.each<[string, readonly string[]]>([
  ['get-token', ['get-token']],
  ['  get\ttoken  now ', ['get', 'token', 'now']],
  ['/opt/my\\ tools/get "a b" \'c "d"\'', ['/opt/my tools/get', 'a b', 'c "d"']],
  ['get --x="a \\"b\\" \\\\ \\n" \'\'', ['get', '--x=a "b" \\ \\n', '']],
  ["get '$HOME|*'", ['get', '$HOME|*']],
  ['get \\$HOME', ['get', '$HOME']],
])('%s', (text, argv) => {
  expect(splitCommand(text)).toEqual({ argv });
});

test.each([
  'get | head',
  'get > file',
  'get; rm x',
  'get && x',
  'get $TOKEN',
  'get "$TOKEN"',
  'get `x`',
  'get "`x`"',
  'get *.json',
  'get ~/x',
  'get\nx',
  "get 'x",
  'get "x',
  'get \\',
  '',
  '   ',
  "''",
])('%j is refused', (text) => {
  expect(splitCommand(text)).toHaveProperty('fault');
});
