import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMcpHub, type RestartPolicy, type ServerEvent } from '../../src/index.js';
import { programs, refusal, startWitness, temporaryDirectory, type Cleanup } from '../scene.js';

/** A server that is there or not, as its user wants. */
function scene(onTestFinished: Cleanup, restart: RestartPolicy) {
  const directory = temporaryDirectory(onTestFinished);
  const broken = join(directory, 'broken');
  const witness = startWitness();
  const states: string[] = [];
  const script = `test ! -e ${broken} && exec "$0" "$1"`;
  const hub = createMcpHub({
    servers: {
      one: {
        command: 'sh',
        args: ['-c', script, process.execPath, join(programs, 'fault-server.mjs')],
        env: witness.env,
      },
    },
    environment: { PATH: process.env['PATH'] },
    restart,
    onEvent(_server, event: ServerEvent) {
      if (event.type === 'state') states.push(event.state);
    },
  });
  onTestFinished(() => hub.close());
  return {
    hub,
    server: hub.server('one'),
    states,
    witness,
    break: () => writeFileSync(broken, ''),
    mend: () => rmSync(broken, { force: true }),
  };
}

test('a server that ended is another process at the next call, and its lists are read anew', async ({
  onTestFinished,
}) => {
  const { server, states, witness } = scene(onTestFinished, { delayMs: 10 });
  const first = await server.call('pid');
  await server.tools();
  await refusal(server.call('exits'));
  const second = await server.call('pid');
  expect(second.text).not.toBe(first.text);
  expect(states).toEqual(['connecting', 'ready', 'backoff', 'connecting', 'ready']);
  expect(witness.alive()).toEqual([Number(second.text)]);
});

test('a broken circuit refuses at once, starts nothing, and is closed by the first good try', async ({
  onTestFinished,
}) => {
  const { server, states, ...one } = scene(onTestFinished, {
    delayMs: 1,
    failures: 2,
    brokenMs: 400,
  });
  one.break();
  for (let n = 1; n <= 2; n += 1)
    expect(await refusal(server.call('good'))).toMatchObject({ code: 'ORCH_MCP_START' });
  const soFar = states.length;
  const error = await refusal(server.call('good'));
  expect(error).toMatchObject({ code: 'ORCH_MCP_CIRCUIT', details: { failures: 2 } });
  expect(states).toHaveLength(soFar);
  expect(server.state).toBe('broken');
  one.mend();
  await new Promise((resolve) => setTimeout(resolve, 450));
  expect(await server.call('good')).toMatchObject({ text: 'well' });
  expect(server.state).toBe('ready');
});

test('a call waits for its turn before a new try, and close() does not wait with it', async ({
  onTestFinished,
}) => {
  const { server, hub, ...one } = scene(onTestFinished, { delayMs: 60_000, maxDelayMs: 60_000 });
  one.break();
  await refusal(server.call('good'));
  expect(server.state).toBe('backoff');
  const waiting = refusal(server.call('good'));
  const controller = new AbortController();
  const givenUp = refusal(server.call('good', {}, { signal: controller.signal }));
  controller.abort();
  expect(await givenUp).toMatchObject({ code: 'ORCH_MCP_CANCELLED' });
  await hub.close();
  expect(await waiting).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
  expect(one.witness.alive()).toEqual([]);
});
