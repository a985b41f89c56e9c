import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runTurn, setScene, type Scene } from './real-claude.js';

/** A tool call that never ends, and tells by a file that it runs. */
function endless(scene: Scene) {
  const command = `touch ${join(scene.workspace, 'running')}; tail -f /dev/null`;
  return { tool: 'Bash', input: { command } };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** All that the program has written down of its conversations. */
function transcripts(scene: Scene): string {
  const projects = join(scene.configDirectory, 'projects');
  const files = fs.readdirSync(projects, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => fs.readFileSync(join(projects, file), 'utf8'))
    .join('');
}

describe('the end of a turn of the real Claude Code', () => {
  it('cancel() during a tool call leaves no process, and the cost is known', async () => {
    const scene = await setScene();
    const request = scene.ask([endless(scene), { text: 'never said' }], { allow: ['Bash'] });
    let running = 0;
    const { end } = await runTurn(scene, request, (event, cancel) => {
      if (event.kind !== 'tool.called') return;
      void until(() => fs.existsSync(join(scene.workspace, 'running'))).then(async () => {
        running = (await scene.owner.left()).length;
        cancel();
      });
    });
    expect(end).toMatchObject({ outcome: 'cancelled', error: { reason: 'cancelled' }, left: 0 });
    expect(end.usd).toBeGreaterThan(0);
    expect(running).toBeGreaterThan(1); // the agent and its tool: the next line can fail
    expect(await scene.owner.left()).toEqual([]);
  });

  it('a model that never answers is a stall, which is not taken for anything else', async () => {
    const scene = await setScene();
    const request = scene.ask([{ hang: true }], { limits: { idleMs: 3000, wallMs: 60_000 } });
    const { end } = await runTurn(scene, request);
    expect(end).toMatchObject({ outcome: 'stalled', error: { reason: 'idle_time' }, left: 0 });
    expect(end.usd).toBeNull();
  });

  it('a continued conversation asks only for the message that was in flight when it was killed', async () => {
    const scene = await setScene();
    const write = (name: string) => ({
      tool: 'Write',
      input: { file_path: join(scene.workspace, name), content: 'x' },
    });
    const turns = [write('a'), write('b'), { text: 'done' }];
    const hold = scene.model.hold({
      requests: 1,
      distinct: 'conversation',
      when: (request) => request.turn === 2,
    });
    const request = scene.ask(turns, { allow: ['Edit'] });
    const turn = await scene.driver.start(request, { owner: scene.owner });
    // The program writes its transcript up to 0.1 s late; killed earlier, it asks for one message more.
    const killed = hold.reached.then(async () => {
      await until(() => transcripts(scene).split('"type":"tool_result"').length > 2);
      process.kill(turn.pid ?? 0, 'SIGKILL');
    });
    let session = '';
    for await (const event of turn.events) {
      if (event.kind === 'session.started') session = event.session;
      if (event.kind === 'end') {
        expect(event).toMatchObject({
          outcome: 'lost',
          error: { reason: 'killed' },
          usd: null,
          exit: { signal: 'SIGKILL' },
        });
      }
    }
    await killed;
    hold.release();
    const before = scene.model.requests.length;
    const { end, events } = await runTurn(
      scene,
      scene.ask([], {
        prompt: 'Continue where you were interrupted.',
        continues: { session, original: request.prompt },
      }),
    );
    expect(end).toMatchObject({ outcome: 'completed', session, summary: 'done' });
    expect(events.filter((event) => event.kind === 'tool.called')).toEqual([]);
    expect(before).toBe(3);
    expect(scene.model.requests.length - before).toBe(1);
  });

  it('a continued turn costs what it costs itself; without a transcript the original is asked anew', async () => {
    const scene = await setScene();
    const first = await runTurn(scene, scene.ask([{ text: 'one' }]));
    const session = first.end.session ?? '';
    const second = await runTurn(
      scene,
      scene.ask([{ text: 'two' }], { continues: { session, original: 'unused' } }),
    );
    expect(second.end).toMatchObject({ outcome: 'completed', session, summary: 'two' });
    expect(second.end.usd).toBeCloseTo(first.end.usd ?? 0, 10);
    const raw = JSON.stringify(second.events.filter((event) => event.kind === 'notice'));
    expect(raw).toMatch(/"total_cost_usd":0\.00(16|2)/); // the program itself counts both turns

    execFileSync('find', [scene.configDirectory, '-name', `${session}.jsonl`, '-delete']);
    const original = scene.ask([{ text: 'three' }]).prompt;
    const third = await runTurn(
      scene,
      scene.ask([], { prompt: 'Go on.', continues: { session, original } }),
    );
    expect(third.end).toMatchObject({ outcome: 'completed', summary: 'three' });
    expect(third.end.session).not.toBe(session);
    expect(third.events[0]).toMatchObject({ kind: 'notice', level: 'warning' });
  });
});
