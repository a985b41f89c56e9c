import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinCommand, splitCommand } from '../../src/plan/index.js';

const split = (text: string): readonly string[] | string => {
  const result = splitCommand(text);
  return 'argv' in result ? result.argv : `${result.offset}: ${result.problem}`;
};

describe('splitCommand()', () => {
  it.each([
    ['pnpm -s test', ['pnpm', '-s', 'test']],
    ['  a \t b  ', ['a', 'b']],
    [`echo 'a b' "c d" e\\ f`, ['echo', 'a b', 'c d', 'e f']],
    [`x a'b'"c"d`, ['x', 'abcd']],
    [`x ''`, ['x', '']],
    [`x "say \\"hi\\" \\\\ \\n"`, ['x', 'say "hi" \\ \\n']],
    [`x '\\'`, ['x', '\\']],
    [`x '| & ; < > $ \`' "$HOME"`, ['x', '| & ; < > $ `', '$HOME']],
    [`x \\| \\$`, ['x', '|', '$']],
    ['prettier **/*.ts # ~ ! (x)', ['prettier', '**/*.ts', '#', '~', '!', '(x)']],
    ['pnpm test\n', ['pnpm', 'test']],
    ['./run --flag=VALUE=1', ['./run', '--flag=VALUE=1']],
  ])('splits %j by the published rule', (text, argv) => {
    expect(split(text)).toEqual(argv);
  });

  it.each([
    ['a | b', 2, '|'],
    ['a && b', 2, '&'],
    ['a; b', 1, ';'],
    ['a > b', 2, '>'],
    ['a < b', 2, '<'],
    ['echo $HOME', 5, '$'],
    ['echo `x`', 5, '`'],
    ['a\nb', 1, 'one line'],
    [`a 'b`, 2, 'not closed'],
    ['a "b', 2, 'not closed'],
    ['a b\\', 3, 'backslash'],
    ['CI=1 make', 0, 'env:'],
    ['', 0, 'empty'],
    ['  ', 0, 'empty'],
  ])('refuses %j, which a shell would take otherwise', (text, offset, reason) => {
    const result = splitCommand(text);
    expect(result).toMatchObject({ offset });
    expect('problem' in result && result.problem).toContain(reason);
  });

  it('gives back what joinCommand() joined', () => {
    const word = fc.string({ unit: 'binary' });
    const program = word.filter((one) => !/^[A-Za-z_]\w*=/.test(one));
    fc.assert(
      fc.property(program, fc.array(word), (first, rest) => {
        const argv = [first, ...rest];
        expect(splitCommand(joinCommand(argv))).toEqual({ argv });
      }),
    );
  });

  it('never throws, and points into the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const result = splitCommand(text);
        if ('problem' in result) expect(result.offset).toBeLessThanOrEqual(text.length);
        else expect(result.argv.length).toBeGreaterThan(0);
      }),
    );
  });
});
