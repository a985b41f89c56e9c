import { describe, expect, it } from 'vitest';
import { bash, on, onMatch, setScene, sh } from '../scene.js';

describe('which hooks an event finds', () => {
  it('are those of a name and those of expressions, in the order of their tiers and files', async () => {
    const scene = setScene();
    const say = (text: string): object => sh(`echo '{"systemMessage":"${text}"}'`);
    const hooks = {
      PreToolUse: [
        { matcher: 'B.*', hooks: [say('one')] },
        { matcher: 'Bash', hooks: [say('two')] },
        { matcher: 'Write', hooks: [say('never')] },
        { hooks: [say('three')] },
        { matcher: 'Edit|Bash', hooks: [say('four')] },
      ],
    };
    const outcome = await scene.dispatch(hooks, 'PreToolUse');
    expect(outcome.systemMessages).toEqual(['one', 'two', 'three', 'four']);
  });

  it('the expression of one that nobody approved is not tried: it could take for ever', async () => {
    const scene = setScene();
    const table = await scene.load(onMatch('PreToolUse', '(a+)+$', sh('exit 0')), {
      tier: 'project',
    });
    const outcome = await scene
      .engine(table)
      .dispatch('PreToolUse', { ...bash, tool_name: `${'a'.repeat(200)}!` });
    expect(outcome.refused).toMatchObject([{ reason: 'not_approved' }]);
  });

  it('a refused one of exact names is told where they fit, and nowhere else', async () => {
    const scene = setScene();
    const engine = scene.engine(
      await scene.load(onMatch('PreToolUse', 'Bash', sh('exit 0')), { tier: 'project' }),
    );
    expect((await engine.dispatch('PreToolUse', bash)).refused).toHaveLength(1);
    expect((await engine.dispatch('PreToolUse', { ...bash, tool_name: 'Read' })).refused).toEqual(
      [],
    );
  });

  it('a policy that cannot be read blocks every event that can be blocked', async () => {
    const scene = setScene();
    const broken = {
      tier: 'managed',
      source: 'managed.yaml',
      hooks: undefined,
      problem: 'line 3, column 1: no',
    } as const;
    const engine = scene.engine(await scene.load({}, { layers: [broken] }));
    expect(await engine.dispatch('PreToolUse', bash)).toMatchObject({ blocked: true });
    expect(await engine.dispatch('PostCompact', {})).toMatchObject({ blocked: false });
    const project = await scene.load({}, { layers: [{ ...broken, tier: 'project' }] });
    expect(await scene.engine(project).dispatch('PreToolUse', bash)).toMatchObject({
      blocked: false,
    });
  });

  it('events that do not exist, and payloads of others, are errors', async () => {
    const scene = setScene();
    const engine = scene.engine(await scene.load(on('Stop', sh('exit 0'))));
    await expect(engine.dispatch('stop', {})).rejects.toThrow(/Did you mean Stop\?/);
    await expect(engine.dispatch('Stop', { hook_event_name: 'PreToolUse' })).rejects.toMatchObject({
      code: 'ORCH_HOOKS_PAYLOAD',
    });
    await expect(engine.dispatch('Stop', [] as never)).rejects.toMatchObject({
      code: 'ORCH_HOOKS_PAYLOAD',
    });
  });
});
