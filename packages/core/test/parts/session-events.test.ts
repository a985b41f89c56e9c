import { describe, expect, it } from 'vitest';
import { deniedInput, oneLine, progressOf } from '../../src/parts/session-events.js';

describe('progressOf()', () => {
  it('shows what a tool call is about, with paths as the agent sees them', () => {
    expect(
      progressOf(
        {
          kind: 'tool.called',
          id: '1',
          name: 'Write',
          input: { content: 'x', file_path: '/state/ws/src/a.js' },
        },
        '/state/ws',
      ),
    ).toEqual({ kind: 'tool', text: 'Write src/a.js' });
  });
});

describe('deniedInput()', () => {
  it.each([
    [
      'a command',
      '{"command":"npm publish --tag \\"x\\"","description":"publish"}',
      'npm publish --tag "x"',
    ],
    ['a path in the workspace', '{"content":"y","file_path":"/ws/a.js"}', 'a.js'],
    ['an input that was cut off', '{"command":"echo a very long th', 'echo a very long th'],
    ['something else', '{"x":1}', '{"x":1}'],
  ])('%s', (_what, input, shown) => {
    expect(deniedInput(input, '/ws')).toBe(shown);
  });
});

describe('oneLine()', () => {
  it.each([
    ['\u001b[2J\u001b[1;1Hcleared', 'cleared'],
    ['10/10 succeeded\r\n✔ forged', '10/10 succeeded ✔ forged'],
    ['\u001b]8;;http://evil\u0007link\u001b]8;;\u0007', 'link'],
    ['left\u202Eright', 'left right'],
    ['a\u0000b\u2028c', 'a b c'],
  ])('takes out what a terminal would act on: %j', (text, shown) => {
    expect(oneLine(text)).toBe(shown);
  });
});
