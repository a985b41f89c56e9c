import { expect, it } from 'vitest';
import { checkName, globPathspecs } from '../src/names.js';

it.each(['', '.', '..', 'a/b', '../x', 'A', '-x', 'a..b', 'a.lock', 'a\n', 'ä', 'x'.repeat(129)])(
  'the name %j is refused',
  (name) => {
    expect(() => checkName('task', name)).toThrow(
      expect.objectContaining({ code: 'ORCH_WORKSPACE_NAME' }) as Error,
    );
  },
);

it.each(['fix', 'triage-0a1b2c3d', 'fix.gate', '1'])('the name %j is used', (name) => {
  expect(checkName('task', name)).toBe(name);
});

it.each(['', ':!src', ':(exclude)x', '/etc', '../x', 'a/../../b', 'a\0b'])(
  'the glob %j is refused',
  (glob) => {
    expect(() => globPathspecs([glob])).toThrow(
      expect.objectContaining({ code: 'ORCH_WORKSPACE_GLOB' }) as Error,
    );
  },
);
