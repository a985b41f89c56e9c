import { expect, it } from 'vitest';
import { checkBranchRef, checkCommit, checkName, globPathspecs } from '../src/names.js';

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

it.each(['', 'main', '--all', 'HEAD', 'a'.repeat(39), 'A'.repeat(40), `${'a'.repeat(40)}\n`])(
  '%j is refused as the id of a commit',
  (id) => {
    expect(() => checkCommit(id)).toThrow(
      expect.objectContaining({ code: 'ORCH_GIT_UNKNOWN_REVISION' }) as Error,
    );
  },
);

it.each(['main', 'refs/tags/v1', 'refs/heads/', 'refs/heads/-x', 'HEAD'])(
  '%j is refused as the target of a delivery',
  (ref) => {
    expect(() => checkBranchRef(ref)).toThrow(
      expect.objectContaining({ code: 'ORCH_WORKSPACE_NAME' }) as Error,
    );
  },
);
