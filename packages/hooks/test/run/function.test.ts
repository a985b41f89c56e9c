import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bash, on, setScene, type Scene } from '../scene.js';

/** A module outside of the project, as a policy would name it. */
function moduleOf(scene: Scene, text: string, more: object = {}): object {
  const module = `${scene.state}-hook.mjs`;
  writeFileSync(module, text);
  return { type: 'function', module, ...more };
}

/** Parts of module texts. */
const nested =
  'const nested = (levels) => { let value = []; for (let i = 1; i < levels; i += 1) value = [value]; return value; };';
const port = 'import { parentPort } from "node:worker_threads";';
const never = '() => new Promise(() => setInterval(() => undefined, 9))';

describe('a function', () => {
  it('gets the payload and answers with a value; the module is loaded once', async () => {
    const scene = setScene();
    const text = `let calls = 0;
      export default async ({ tool_name, hook_event_name }, { event }) => {
        calls += 1;
        return { systemMessage: [calls, tool_name, hook_event_name, event].join(' ') };
      };`;
    const engine = scene.engine(await scene.load(on('PreToolUse', moduleOf(scene, text))));
    await engine.dispatch('PreToolUse', bash);
    const outcome = await engine.dispatch('PreToolUse', bash);
    expect(outcome.systemMessages).toEqual(['2 Bash PreToolUse PreToolUse']);
  });

  it.each([
    ['crash', 'export default () => { throw new Error("no"); };'],
    ['crash', 'export default () => process.exit(0);'],
    ['crash', 'export default 7;'],
    ['crash', 'this is no module'],
    [
      'crash',
      'setTimeout(() => { throw new Error("late"); }, 1); export default () => new Promise(() => setInterval(() => {}, 9));',
    ],
    [
      'crash',
      'export default () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); };',
    ],
    ['timeout', 'export default () => { for (;;); };'],
    ['timeout', 'export default () => new Promise(() => {});'],
    ['invalid', 'export default () => "fine";'],
    ['invalid', 'export default () => ({ decision: "maybe" });'],
    ['invalid', 'export default () => () => undefined;'],
    ['invalid', `${nested} export default () => ({ decision: nested(12_000) });`],
    [
      'invalid',
      `${nested} export default (_, { event }) => ({ hookSpecificOutput: { hookEventName: event, updatedInput: { a: nested(2_000) } } });`,
    ],
    ['invalid', `${port} parentPort.postMessage(null); export default ${never};`],
    ['invalid', `${port} parentPort.postMessage({}); export default ${never};`],
    ['invalid', `${port} parentPort.postMessage({ id: 1, text: 5 }); export default ${never};`],
    [
      'invalid',
      `${port} parentPort.postMessage({ id: 1, text: 5, error: "no" }); export default ${never};`,
    ],
    [
      'crash',
      `setTimeout(() => { throw { toString: 1, valueOf: 1 }; }, 1); export default ${never};`,
    ],
    ['flood', 'export default () => ({ systemMessage: "x".repeat(2e6) });'],
  ])('%s: %s blocks', async (kind, text) => {
    const scene = setScene();
    const hook = moduleOf(scene, text, { timeoutMs: kind === 'timeout' ? 500 : 60_000 });
    const outcome = await scene.dispatch(on('PreToolUse', hook), 'PreToolUse');
    expect(outcome).toMatchObject({ blocked: true });
    expect(outcome.results[0]?.failure?.kind).toBe(kind);
  });

  it('that said what is no answer is loaded anew for the next event', async () => {
    const scene = setScene();
    const text = `${port} export default ({ tool_name }) => {
      if (tool_name === 'Bash') parentPort.postMessage(null);
      return tool_name === 'Bash' ? new Promise(() => undefined) : { systemMessage: 'fine' };
    };`;
    const engine = scene.engine(await scene.load(on('PreToolUse', moduleOf(scene, text))));
    const [{ failure } = {}] = (await engine.dispatch('PreToolUse', bash)).results;
    expect(failure).toMatchObject({ kind: 'invalid' });
    const next = await engine.dispatch('PreToolUse', { ...bash, tool_name: 'Read' });
    expect(next).toMatchObject({ blocked: false, systemMessages: ['fine'] });
  });

  it('has the environment of a hook, not ours', async () => {
    const scene = setScene();
    const text =
      'export default () => ({ systemMessage: Object.keys(process.env).sort().join() });';
    const outcome = await scene.dispatch(on('PreToolUse', moduleOf(scene, text)), 'PreToolUse');
    expect(outcome.systemMessages).toEqual(['CLAUDE_PROJECT_DIR,ORCH_HOOK_EVENT,PATH']);
  });

  it('in a project needs an approval, and runs as its copy', async () => {
    const scene = setScene();
    const file = scene.write(
      'hook.mjs',
      'export default () => ({ decision: "block", reason: "approved" });',
    );
    const hooks = on('PreToolUse', { type: 'function', module: 'hook.mjs' });
    const table = await scene.load(hooks, { tier: 'project' });
    expect(table.hooks).toEqual([]);
    const [entry] = [...table.entries.values()];
    if (entry === undefined) throw new Error('no hook');
    const place = { project: scene.project, agentRoots: [], path: scene.path };
    scene.approvals.approve(
      await scene.approvals.propose(entry, { ...place, agentRoots: [scene.project] }),
    );
    writeFileSync(file, 'export default () => undefined;');
    const outcome = await scene
      .engine(await scene.load(hooks, { tier: 'project' }))
      .dispatch('PreToolUse', bash);
    expect(outcome.reason).toBe('approved');
  });
});
