import { describe, expect, it } from 'vitest';
import { toClaudeOutput } from '../../src/index.js';
import { bash, node, on, onMatch, prints, setScene, sh } from '../scene.js';

const says = (decision: string, more: object = {}): object =>
  prints(
    JSON.stringify({
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        permissionDecision: decision,
        permissionDecisionReason: `because ${decision}`,
        ...more,
      },
    }),
  );

describe('the outcome of several hooks', () => {
  it.each([
    [['allow', 'ask', 'defer', 'deny'], 'deny'],
    [['allow', 'ask', 'defer'], 'defer'],
    [['allow', 'ask'], 'ask'],
    [['allow'], 'allow'],
  ])('%j comes to %s', async (decisions, expected) => {
    const outcome = await setScene().dispatch(
      on('PreToolUse', ...decisions.map((one) => says(one))),
      'PreToolUse',
    );
    expect(outcome.decision).toBe(expected);
    expect(outcome.blocked).toBe(expected === 'deny');
    if (expected !== 'allow') expect(outcome.reason).toBe(`because ${expected}`);
  });

  it('exit code 2 blocks with the text on stderr, whatever stands on stdout', async () => {
    const outcome = await setScene().dispatch(
      on('PreToolUse', sh('echo "{}"; echo "not today" >&2; exit 2')),
      'PreToolUse',
    );
    expect(outcome).toMatchObject({ blocked: true, reason: 'not today' });
  });

  it('of identical hooks one runs', async () => {
    const scene = setScene();
    const file = `${scene.state}-count`;
    const hook = sh(`echo x >> ${file}; cat ${file}`);
    const hooks = { UserPromptSubmit: [{ hooks: [hook, hook] }, { matcher: '*', hooks: [hook] }] };
    const outcome = await scene.dispatch(hooks, 'UserPromptSubmit', { prompt: 'hi' });
    expect(outcome.results).toHaveLength(1);
    expect(outcome.additionalContext).toEqual(['x']);
  });

  it('matching hooks run at the same time: each waits until the other is there', async () => {
    const scene = setScene();
    const meet = (mine: string, other: string): object =>
      sh(
        `touch ${scene.state}-${mine}; while [ ! -e ${scene.state}-${other} ]; do sleep 0.01; done`,
      );
    const outcome = await scene.dispatch(
      on('PreToolUse', meet('a', 'b'), meet('b', 'a')),
      'PreToolUse',
    );
    expect(outcome.results.map(({ failure }) => failure)).toEqual([undefined, undefined]);
  });

  it('hooks of other matchers and events do not run', async () => {
    const scene = setScene();
    const hooks = {
      ...onMatch('PreToolUse', 'Write|Edit', sh('exit 2')),
      ...on('Stop', sh('exit 2')),
    };
    const outcome = await scene.dispatch(hooks, 'PreToolUse');
    expect(outcome).toMatchObject({ blocked: false, results: [], continue: true });
  });

  it('keeps context, messages and changed input, and of two changes that of the higher tier', async () => {
    const scene = setScene();
    const change = (command: string): object =>
      says('allow', { updatedInput: { command }, additionalContext: command });
    const table = await scene.load(on('PreToolUse', change('user')), {
      layers: [
        { tier: 'managed', source: 'managed.yaml', hooks: on('PreToolUse', change('managed')) },
      ],
    });
    const outcome = await scene.engine(table).dispatch('PreToolUse', bash);
    expect(outcome.specific).toEqual({ updatedInput: { command: 'managed' } });
    expect(outcome.additionalContext).toEqual(['managed', 'user']);
    expect(toClaudeOutput(outcome)).toEqual({
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        permissionDecision: 'allow',
        additionalContext: 'managed\nuser',
        updatedInput: { command: 'managed' },
      },
    });
  });

  it('a hook can stop the turn', async () => {
    const outcome = await setScene().dispatch(
      on(
        'PostToolUse',
        prints('{"continue":false,"stopReason":"enough","systemMessage":"stopping"}'),
      ),
      'PostToolUse',
    );
    expect(outcome).toMatchObject({
      continue: false,
      stopReason: 'enough',
      systemMessages: ['stopping'],
    });
  });

  it('text is context where Claude Code takes it as such, and nothing elsewhere', async () => {
    const scene = setScene();
    const hooks = {
      ...on('UserPromptSubmit', prints('be kind')),
      ...on('PreToolUse', prints('be kind')),
    };
    expect(
      (await scene.dispatch(hooks, 'UserPromptSubmit', { prompt: '' })).additionalContext,
    ).toEqual(['be kind']);
    expect((await scene.dispatch(hooks, 'PreToolUse')).additionalContext).toEqual([]);
  });
});

describe('what a hook gets', () => {
  it('is the payload on stdin as one line, and nothing of it in arguments or environment', async () => {
    const scene = setScene();
    const program = `
      let text = ''; process.stdin.on('data', (chunk) => (text += chunk));
      process.stdin.on('end', () => {
        const outer = JSON.stringify([process.argv.slice(1), process.env]);
        console.log(JSON.stringify({ systemMessage: JSON.stringify({ text, outer: outer.includes('needle') }) }));
      });`;
    const payload = { prompt: 'needle' };
    const outcome = await scene.dispatch(
      on('UserPromptSubmit', node(program)),
      'UserPromptSubmit',
      payload,
    );
    const seen = JSON.parse(outcome.systemMessages[0] ?? '') as { text: string; outer: boolean };
    expect(seen.text).toBe('{"prompt":"needle","hook_event_name":"UserPromptSubmit"}\n');
    expect(seen.outer).toBe(false);
  });

  it('is an environment of allowed names alone', async () => {
    const scene = setScene();
    const environment = {
      HOME: '/home/user',
      SECRET: 'fake',
      TICKET: '7',
      NODE_OPTIONS: '--no-warnings',
      LC_ALL: 'C',
    };
    const printsNames = node(
      'console.log(JSON.stringify({systemMessage: JSON.stringify(process.env)}))',
      { env: ['TICKET'] },
    );
    const engine = scene.engine(await scene.load(on('Stop', printsNames)), { environment });
    const outcome = await engine.dispatch('Stop', {});
    const env = JSON.parse(outcome.systemMessages[0] ?? '') as Record<string, string>;
    const names = Object.keys(env)
      .filter((name) => !name.startsWith('ORCH_PROCESS_'))
      .sort();
    expect(names).toEqual([
      'CLAUDE_PROJECT_DIR',
      'HOME',
      'LC_ALL',
      'ORCH_HOOK_EVENT',
      'PATH',
      'TICKET',
    ]);
    expect(env['CLAUDE_PROJECT_DIR']).toBe(scene.project);
  });
});
