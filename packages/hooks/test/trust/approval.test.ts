import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { HooksError, openApprovals, type HookTable } from '../../src/index.js';
import { bash, on, onMatch, setScene, sh, type Scene } from '../scene.js';

const guard = '#!/bin/sh\necho "said by the guard" >&2\nexit 2\n';
const command = (...argv: readonly string[]): object => ({ type: 'command', argv });

/** Approves the only hook of a table. */
async function approve(scene: Scene, table: HookTable): Promise<string> {
  const [[id, entry] = ['', undefined]] = [...table.entries];
  if (entry === undefined) throw new Error('there is no hook to approve');
  const place = { project: scene.project, agentRoots: [scene.project], path: scene.path };
  scene.approvals.approve(await scene.approvals.propose(entry, place));
  return id;
}

describe('a hook of a project', () => {
  it.each(['project', 'local', 'session'] as const)(
    'of the %s tier does not run before somebody approved it',
    async (tier) => {
      const scene = setScene();
      scene.write('guard.sh', guard);
      const hooks = on('PreToolUse', command('./guard.sh'));
      const table = await scene.load(hooks, { tier });
      const outcome = await scene.engine(table).dispatch('PreToolUse', bash);
      // Visible, and without the power to block.
      expect(outcome).toMatchObject({ blocked: false, results: [] });
      expect(outcome.refused).toMatchObject([
        { reason: 'not_approved', where: 'hooks.PreToolUse[0].hooks[0]' },
      ]);

      const id = await approve(scene, table);
      expect(outcome.refused[0]?.next).toBe(`orch hooks approve ${id}`);
      const approved = await scene
        .engine(await scene.load(hooks, { tier }))
        .dispatch('PreToolUse', bash);
      expect(approved).toMatchObject({ blocked: true, reason: 'said by the guard', refused: [] });

      expect(scene.approvals.revoke(id)?.id).toBe(id);
      const revoked = await scene
        .engine(await scene.load(hooks, { tier }))
        .dispatch('PreToolUse', bash);
      expect(revoked.results).toEqual([]);
    },
  );

  it('runs as the copy that was approved, whatever happens to the file', async () => {
    const scene = setScene();
    const file = scene.write('guard.sh', guard);
    const hooks = on('PreToolUse', command('./guard.sh'));
    await approve(scene, await scene.load(hooks, { tier: 'project' }));
    for (const change of [() => writeFileSync(file, '#!/bin/sh\nexit 0\n'), () => rmSync(file)]) {
      change();
      const outcome = await scene
        .engine(await scene.load(hooks, { tier: 'project' }))
        .dispatch('PreToolUse', bash);
      expect(outcome.reason).toBe('said by the guard');
    }
    const table = await scene.load(hooks, { tier: 'project' });
    expect(table.hooks[0]?.argv[0]).toMatch(
      new RegExp(`^${scene.state}/approved/[0-9a-f]{64}/guard.sh$`),
    );
  });

  it.each([
    ['event', onMatch('PostToolUse', 'Bash', command('./guard.sh'))],
    ['matcher', onMatch('PreToolUse', 'Write', command('./guard.sh'))],
    ['arguments', onMatch('PreToolUse', 'Bash', command('./guard.sh', '--lax'))],
    ['variables', onMatch('PreToolUse', 'Bash', { ...command('./guard.sh'), env: ['TOKEN'] })],
    ['time', onMatch('PreToolUse', 'Bash', { ...command('./guard.sh'), timeoutMs: 1 })],
  ])('with another %s is another hook, and not approved', async (_what, changed) => {
    const scene = setScene();
    scene.write('guard.sh', guard);
    const hooks = onMatch('PreToolUse', 'Bash', command('./guard.sh'));
    await approve(scene, await scene.load(hooks, { tier: 'project' }));
    expect((await scene.load(hooks, { tier: 'project' })).refused).toEqual([]);
    expect((await scene.load(changed, { tier: 'project' })).refused).toMatchObject([
      { reason: 'not_approved' },
    ]);
  });

  it('whose copy was changed or is gone blocks', async () => {
    const scene = setScene();
    scene.write('guard.sh', '#!/bin/sh\nexit 0\n');
    const hooks = on('PreToolUse', command('./guard.sh'));
    await approve(scene, await scene.load(hooks, { tier: 'project' }));
    const table = await scene.load(hooks, { tier: 'project' });
    const [copy = ''] = table.hooks[0]?.argv ?? [];
    const run = () => scene.engine(table).dispatch('PreToolUse', bash);
    expect((await run()).blocked).toBe(false); // negative control
    chmodSync(copy, 0o700);
    writeFileSync(copy, '#!/bin/sh\ntouch pwned\nexit 0\n');
    expect((await run()).results[0]?.failure?.kind).toBe('tampered');
    rmSync(copy);
    expect(await run()).toMatchObject({ blocked: true });
  });

  it('is approved as the bytes that were shown, not as those that stand there later', async () => {
    const scene = setScene();
    const file = scene.write('guard.sh', guard);
    const hooks = on('PreToolUse', command('./guard.sh'));
    const [entry] = [...(await scene.load(hooks, { tier: 'project' })).entries.values()];
    if (entry === undefined) throw new Error('no hook');
    const place = { project: scene.project, agentRoots: [scene.project], path: scene.path };
    const proposal = await scene.approvals.propose(entry, place);
    writeFileSync(file, '#!/bin/sh\nexit 0\n');
    const [stored] = scene.approvals.approve(proposal).files;
    expect(readFileSync(stored?.copy ?? '', 'utf8')).toBe(guard);
  });
});

describe('what cannot be pinned', () => {
  const refusal = async (scene: Scene, ...argv: readonly string[]): Promise<string | undefined> => {
    const [entry] = [
      ...(await scene.load(on('Stop', command(...argv)), { tier: 'project' })).entries.values(),
    ];
    if (entry === undefined) throw new Error('no hook');
    const place = {
      project: scene.project,
      agentRoots: [scene.project],
      path: `${scene.project}/bin:${scene.path}`,
    };
    try {
      await scene.approvals.propose(entry, place);
    } catch (error) {
      if (HooksError.isInstance(error) && error.code === 'ORCH_HOOKS_UNPINNABLE')
        return error.message;
      throw error;
    }
    return undefined;
  };

  it.each([
    ['a program that is not there', ['./nothing.sh'], 'no such file'],
    ['a program that only the project has on the PATH', ['only-here'], 'where agents write'],
    ['a directory', ['node', '--import', './lib'], 'directory'],
    ['a directory after =', ['node', '--import=./lib'], 'directory'],
    ['a place in code', ['sh', '-c', '. PROJECT/guard.sh'], 'where agents write'],
    [
      'a place in code by its variable',
      ['sh', '-c', '"$CLAUDE_PROJECT_DIR"/guard.sh'],
      'where agents write',
    ],
    ['a place that could be made later', ['node', 'PROJECT/later.mjs'], 'no such file yet'],
    ['an interpreter beside it', ['./local.sh'], 'no absolute path'],
    ['a pipe', ['cat', './pipe'], 'no regular file'],
  ])('%s is refused', async (_what, argv, why) => {
    const scene = setScene();
    scene.write('guard.sh', guard);
    scene.write('local.sh', '#!./tool\n');
    scene.write('bin/only-here', guard);
    scene.write('lib/index.mjs', '');
    const { execFileSync } = await import('node:child_process');
    execFileSync('mkfifo', [path.join(scene.project, 'pipe')]);
    const parts = argv.map((part) => part.replace('PROJECT', scene.project));
    expect(await refusal(scene, ...parts)).toContain(why);
  });

  it('a single file is not, wherever it stands', async () => {
    const scene = setScene();
    scene.write('guard.sh', guard);
    scene.write('guard.mjs', '');
    for (const argv of [
      ['./guard.sh'],
      ['node', 'guard.mjs'],
      ['node', '--import=./guard.mjs'],
      ['node', '${CLAUDE_PROJECT_DIR}/guard.mjs'],
    ])
      expect(await refusal(scene, ...argv)).toBeUndefined();
  });

  it('a link out of the project is followed to where it leads, and a link into it as well', async () => {
    const scene = setScene();
    scene.write('guard.sh', guard);
    const outside = `${scene.state}-link`;
    symlinkSync(path.join(scene.project, 'guard.sh'), outside);
    const table = await scene.load(on('Stop', command(outside)));
    expect(table.refused).toMatchObject([{ reason: 'unpinnable' }]);
  });

  it('is refused in a policy too, and then stops what it should have watched', async () => {
    const scene = setScene();
    scene.write('guard.sh', guard);
    const outcome = await scene.dispatch(on('PreToolUse', command('./guard.sh')), 'PreToolUse');
    expect(outcome).toMatchObject({ blocked: true, results: [] });
    expect(outcome.refused).toMatchObject([{ reason: 'unpinnable' }]);
    expect(outcome.reason).toContain('an approval makes a copy');
  });

  it('a matcher that is too slow is not approved, and not run', async () => {
    const scene = setScene();
    const hooks = onMatch('PreToolUse', '(a+)+$', sh('exit 0'));
    const table = await scene.load(hooks);
    expect(table.refused).toMatchObject([{ reason: 'slow_matcher' }]);
    expect(table.refused[0]?.message).toContain('at character 2');
    await expect(approve(scene, table)).rejects.toMatchObject({ code: 'ORCH_HOOKS_UNPINNABLE' });
  });
});

describe('a shell line', () => {
  const hooks = on('PreToolUse', { type: 'command', command: 'exit 2' });

  it('runs only if exactly this line is allowed', async () => {
    const scene = setScene();
    expect((await scene.load(hooks)).refused).toMatchObject([{ reason: 'shell_line' }]);
    expect((await scene.load(hooks, { policy: { shell: ['exit 2 '] } })).refused).toHaveLength(1);
    const table = await scene.load(hooks, { policy: { shell: ['exit 2'] } });
    expect(await scene.engine(table).dispatch('PreToolUse', bash)).toMatchObject({
      blocked: true,
      refused: [],
    });
  });
});

describe('the store', () => {
  it('is refused where agents write', () => {
    const scene = setScene();
    expect(() =>
      openApprovals({ directory: path.join(scene.project, 'state'), agentRoots: [scene.project] }),
    ).toThrow(/outside of the repository/);
  });

  it('names approvals that cannot be read, and their hooks do not run', async () => {
    const scene = setScene();
    scene.write('guard.sh', guard);
    const hooks = on('PreToolUse', command('./guard.sh'));
    const id = await approve(scene, await scene.load(hooks, { tier: 'project' }));
    const file = path.join(scene.state, 'approvals', `${id}.json`);
    expect(existsSync(file)).toBe(true);
    writeFileSync(file, '{"version":1');
    expect(scene.approvals.list()).toEqual({ approvals: [], unreadable: [file] });
    const { refused } = await scene.load(hooks, { tier: 'project' });
    expect(refused).toMatchObject([{ reason: 'not_approved' }]);
    expect(refused[0]?.message).toContain('cannot be read');
  });
});
