import { describe, expect, it } from 'vitest';
import { bash, on, setScene } from '../scene.js';

/** A warm hook that answers each line with what `answer` returns; `{id, event, payload, asked}` are there. */
const warm = (answer: string, more: object = {}): object => ({
  type: 'warm',
  argv: [
    'node',
    '-e',
    `let asked = 0;
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, event, payload } = JSON.parse(line); asked += 1;
      const say = (value) => console.log(typeof value === 'string' ? value : JSON.stringify(value));
      ${answer}
    });`,
  ],
  ...more,
});

describe('a warm program', () => {
  it('answers many events from one process', async () => {
    const scene = setScene();
    const hook = warm(
      'say({ id, systemMessage: process.pid + " " + asked + " " + payload.tool_name });',
    );
    const engine = scene.engine(await scene.load(on('PreToolUse', hook)));
    const said: string[] = [];
    for (let count = 0; count < 3; count += 1)
      said.push(...(await engine.dispatch('PreToolUse', bash)).systemMessages);
    const [pid = ''] = (said[0] ?? '').split(' ');
    expect(said).toEqual([`${pid} 1 Bash`, `${pid} 2 Bash`, `${pid} 3 Bash`]);
  });

  it('gives each of many at once its own answer', async () => {
    const scene = setScene();
    const hook = warm(
      'setTimeout(() => say({ id, systemMessage: payload.tool_use_id }), Math.random() * 20);',
    );
    const engine = scene.engine(await scene.load(on('PreToolUse', hook)));
    const ids = Array.from({ length: 50 }, (_, index) => `toolu_${index}`);
    const outcomes = await Promise.all(
      ids.map((id) => engine.dispatch('PreToolUse', { ...bash, tool_use_id: id })),
    );
    expect(outcomes.map(({ systemMessages }) => systemMessages[0])).toEqual(ids);
  });

  it.each([
    ['crash', 'process.exit(3);'],
    ['signal', 'process.kill(process.pid, "SIGKILL");'],
    ['timeout', ''],
    ['invalid', 'say("{not json");'],
    ['invalid', 'say({ decision: "block" });'],
    ['invalid', 'say({ id, decision: "maybe" });'],
    ['invalid', 'say(`{"id":${id},"decision":${"[".repeat(12_000)}${"]".repeat(12_000)}}`);'],
    ['flood', 'say("x".repeat(2e6));'],
  ])('%s: %s blocks, and the next event gets a new process', async (kind, fault) => {
    const scene = setScene();
    const hook = warm(`if (payload.tool_name === 'Bash') { ${fault} } else say({ id });`, {
      timeoutMs: 2000,
    });
    const engine = scene.engine(await scene.load(on('PreToolUse', hook)));
    const outcome = await engine.dispatch('PreToolUse', bash);
    expect(outcome).toMatchObject({ blocked: true });
    expect(outcome.results[0]?.failure?.kind).toBe(kind);
    expect(await engine.dispatch('PreToolUse', { ...bash, tool_name: 'Read' })).toMatchObject({
      blocked: false,
    });
  });

  it('ends with the engine', async () => {
    const scene = setScene();
    const engine = scene.engine(await scene.load(on('PreToolUse', warm('say({ id });'))));
    await engine.dispatch('PreToolUse', bash);
    expect(await scene.owner.left()).toHaveLength(1);
    await engine.close();
    expect(await scene.owner.left()).toEqual([]);
    await expect(engine.dispatch('PreToolUse', bash)).rejects.toMatchObject({
      code: 'ORCH_HOOKS_CLOSED',
    });
  });
});
