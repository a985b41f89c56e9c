import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runTurn, script, setScene, testKey } from './real-claude.js';

describe('a turn of the real Claude Code', () => {
  it('completes: what it did, said, used and cost; its key stands in no event', async () => {
    const scene = await setScene();
    const file = join(scene.workspace, 'hello.txt');
    const { events, end } = await runTurn(
      scene,
      scene.ask(
        [
          [
            { thinking: 'hm' },
            { text: 'Writing.' },
            { tool: 'Write', input: { file_path: file, content: 'hi' } },
          ],
          { tool: 'Bash', input: { command: 'echo "$ANTHROPIC_API_KEY"' } },
          { text: 'Wrote it.' },
        ],
        { allow: ['Edit', 'Bash'], systemPrompt: 'MARK_SYSTEM', effort: 'low', model: 'sonnet' },
      ),
    );
    expect(fs.readFileSync(file, 'utf8')).toBe('hi');
    expect(end).toMatchObject({
      ...{ outcome: 'completed', summary: 'Wrote it.', denials: [], turns: 3, left: 0 },
      usage: { inputTokens: 300, outputTokens: 60 },
      exit: { code: 0, signal: null },
    });
    expect(end.usd).toBeGreaterThan(0);
    expect(end.version).toMatch(/^2\.\d+\.\d+$/);
    const kinds = events.filter((event) => event.kind !== 'notice').map((event) => event.kind);
    expect(kinds).toEqual([
      ...['session.started', 'thinking', 'usage', 'text', 'tool.called', 'tool.returned'],
      ...['tool.called', 'usage', 'tool.returned', 'text', 'usage', 'end'],
    ]);
    const echoed = events.filter((event) => event.kind === 'tool.returned')[1];
    expect(echoed?.text).toBe('[redacted]'); // it was there, and is not any more
    expect(JSON.stringify(events)).not.toContain(testKey);
    expect(JSON.stringify(scene.model.requests[0]?.body)).toContain('MARK_SYSTEM');
    expect(fs.statSync(scene.configDirectory).mode & 0o777).toBe(0o700);
    expect(fs.statSync(join(scene.configDirectory, 'orch-settings.json')).mode & 0o777).toBe(0o600);
  });

  it('reports each refused tool call once, with the rule that would allow it, and still completes', async () => {
    const scene = await setScene();
    const outside = join(scene.root, 'outside.txt');
    const calls = [
      { tool: 'Bash', input: { command: 'touch refused, too' } },
      { tool: 'Write', input: { file_path: outside, content: 'x' } },
      { tool: 'Bash', input: { command: 'python3 -c "print(1), 2"' } },
      { tool: 'Bash', input: { command: 'rm forbidden' } },
      { tool: 'Write', input: { file_path: join(scene.workspace, 'inside.txt'), content: 'x' } },
      { text: 'All done.' },
    ];
    const { end } = await runTurn(
      scene,
      scene.ask(calls, {
        allow: ['Write', 'Bash(python3 -c "print(1), 2")', 'Bash(rm *)'],
        deny: ['Bash(rm forbidden)'],
      }),
    );
    expect(end.outcome).toBe('completed');
    expect(end.denials.map(({ tool, reason }) => [tool, reason.slice(0, 60)])).toEqual([
      ['Bash', 'not allowed by the plan: add "Bash(touch refused, too)" to a'],
      ['Write', expect.stringContaining('not allowed by the plan: add "Edit(/') as string],
      ['Bash', expect.stringContaining('rm forbidden') as string],
    ]);
    expect(fs.existsSync(outside)).toBe(false);
    expect(fs.readdirSync(scene.workspace)).toEqual(['inside.txt']);
  });

  it.each([
    ['of several lines', 'touch one\nmkdir two && rm -f three\n'],
    ['of more than 200 characters', `touch ${'x'.repeat(120)} ${'y'.repeat(120)}`],
    ['with a text of several lines', `python3 -c 'print(1)\nprint("a\\b, (c) * d")'`],
    ['with a here-document', "cat > out.txt <<'X'\nhello\nX"],
    ['that writes into a file', 'touch a > b.txt'],
    ['that expands a variable', 'touch "$HOME/x"'],
  ])('a refused command %s is allowed by the rule that its refusal names', async (_, command) => {
    const scene = await setScene();
    const turns = [{ tool: 'Bash', input: { command } }, { text: 'Done.' }];
    const refused = await runTurn(scene, scene.ask(turns));
    const [, rule = 'null'] =
      / add (".*") to allow:/.exec(refused.end.denials[0]?.reason ?? '') ?? [];
    const allow = [JSON.parse(rule) as string];
    const allowed = await runTurn(scene, scene.ask(turns, { allow }));
    expect(allowed.end).toMatchObject({ outcome: 'completed', denials: [] });
  });

  it('is exhausted when it has used up its turns', async () => {
    const scene = await setScene();
    const calls = [1, 2, 3].map((n) => ({ tool: 'Bash', input: { command: `echo ${n}` } }));
    const { end } = await runTurn(scene, scene.ask(calls, { allow: ['Bash'], maxTurns: 2 }));
    expect(end).toMatchObject({ outcome: 'exhausted', error: { reason: 'max_turns' } });
    expect(end.usd).toBeGreaterThan(0);
    expect(scene.model.requests).toHaveLength(2);
  });

  it('fails when the model refuses the request, and is throttled when a limit outlasts the repetitions', async () => {
    const scene = await setScene();
    const [broken, limited] = await Promise.all([
      runTurn(scene, scene.ask([{ error: { status: 400, message: 'bad' } }])),
      runTurn(
        scene,
        scene.ask([{ error: { status: 429 } }], {
          maxRetries: 1,
          configDirectory: join(scene.root, 'other'),
        }),
      ),
    ]);
    expect(broken.end).toMatchObject({
      outcome: 'failed',
      error: { reason: 'invalid_request', status: 400 },
      exit: { code: 1 },
    });
    expect(limited.end).toMatchObject({
      outcome: 'throttled',
      error: { reason: 'rate_limit', status: 429 },
    });
    expect(limited.events.filter((event) => event.kind === 'retrying')).toMatchObject([
      { attempt: 1, status: 429 },
    ]);
  });

  it('has an output when the model gives one that fits the schema, and none when it never does', async () => {
    const scene = await setScene();
    const outputSchema = {
      type: 'object',
      properties: { n: { type: 'integer' } },
      required: ['n'],
      additionalProperties: false,
    };
    const [given, never] = await Promise.all([
      runTurn(scene, scene.ask([{ tool: 'StructuredOutput', input: { n: 3 } }], { outputSchema })),
      runTurn(
        scene,
        scene.ask([{ text: '{"n":3}' }], {
          outputSchema,
          configDirectory: join(scene.root, 'other'),
        }),
      ),
    ]);
    expect(given.end).toMatchObject({ outcome: 'completed', output: { n: 3 } });
    expect(never.end.outcome).toBe('completed');
    expect(never.end).not.toHaveProperty('output');
  });

  it('waits for a sub-agent in the background, and refuses what that one may not do', async () => {
    const scene = await setScene();
    const inner = script([{ tool: 'Bash', input: { command: 'rm x' } }, { text: 'sub done' }]);
    const input = { description: 'x', prompt: inner, subagent_type: 'general-purpose' };
    const { events, end } = await runTurn(
      scene,
      scene.ask([{ tool: 'Agent', input }, { text: 'main done' }], { allow: ['Agent'] }),
    );
    expect(end).toMatchObject({ outcome: 'completed', summary: 'main done', left: 0 });
    expect(end.denials.map((denial) => denial.tool)).toEqual(['Bash']);
    const call = events.find((event) => event.kind === 'tool.called' && event.name === 'Agent');
    const parent = call?.kind === 'tool.called' ? call.id : '';
    expect(events.some((event) => event.kind === 'text' && event.parent === parent)).toBe(true);
  });
});
