import { describe, expect, it } from 'vitest';
import { recordingScreen } from '../recording-screen.js';

describe('colours', () => {
  it.each([
    ['a terminal', true, {}, true],
    ['a pipe', false, {}, false],
    ['NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['FORCE_COLOR in a pipe', false, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR over NO_COLOR', false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ['FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
    ['TERM=dumb', true, { TERM: 'dumb' }, false],
    ['CI with a terminal', true, { CI: 'true' }, true],
  ])('%s', (_name, terminal, environment, colored) => {
    const { screen, out } = recordingScreen({ terminal, environment });
    screen.line(screen.style('green', 'ok'));
    expect(out()).toBe(colored ? '\u001b[32mok\u001b[39m\n' : 'ok\n');
  });
});

it.each([
  ['a terminal', true, {}, true],
  ['a pipe', false, {}, false],
  ['a pipe with FORCE_COLOR', false, { FORCE_COLOR: '1' }, false],
  ['TERM=dumb', true, { TERM: 'dumb' }, false],
  ['CI', true, { CI: '1' }, false],
])(
  'lines are drawn again on %s: only where somebody looks',
  (_name, terminal, environment, live) => {
    expect(recordingScreen({ terminal, environment }).screen.live).toBe(live);
  },
);

it('there is no width without a terminal', () => {
  expect(recordingScreen().screen.size()).toEqual({ columns: Infinity, rows: Infinity });
  expect(recordingScreen({ terminal: true }).screen.size()).toEqual({ columns: 80, rows: 24 });
});

it.each([
  ['EPIPE', false],
  ['EIO', false],
  ['ENOSPC', true],
])('after %s nothing more is written, and it is a failure: %j', (code, failure) => {
  const { screen, out, fail } = recordingScreen();
  screen.line('one');
  fail(code);
  screen.line('two');
  expect(out()).toBe('one\n');
  expect(screen.failure() !== undefined).toBe(failure);
});
