import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect, type DefinitionReport, type Tool } from '../../src/index.js';
import { DefinitionGuard } from '../../src/safety/guard.js';
import { formatLock, openPins, readLock } from '../../src/safety/index.js';
import { Neighbours } from '../../src/safety/neighbours.js';
import { refusal, temporaryDirectory, until, type Cleanup } from '../scene.js';
import { defined, pinsIn, scene, tool } from './defined.js';

const first = { tools: [tool('read'), tool('announces'), tool('dies')] };
const changed = { tools: [tool('read', 'Reads a file. <x>'), tool('announces'), tool('dies')] };

/** Changed after it was pinned, while it runs. */
async function pulled(onTestFinished: Cleanup, policy: 'off' | 'warn' | 'block') {
  const pins = pinsIn(temporaryDirectory(onTestFinished), { policy });
  const all = scene(onTestFinished, first, { pins });
  await all.hub.call('one__read');
  all.one.define(changed);
  await all.hub.call('one__announces');
  return all;
}

describe('a definition that changes in the middle of a session', () => {
  test('blocks the tool, and no other; what changed is shown, and nothing is sent', async ({
    onTestFinished,
  }) => {
    const { hub, one, events } = await pulled(onTestFinished, 'block');
    const before = one.asked().filter((line) => line === 'tools/call read').length;
    const error = await refusal(hub.call('one__read'));
    expect(error.code).toBe('ORCH_MCP_CHANGED');
    expect(error.message).toContain(
      '- /description: Reads a file.\n+ /description: Reads a file. <x>',
    );
    expect(error.details['change']).toMatchObject({ tool: 'read', kind: 'changed' });
    expect(one.asked().filter((line) => line === 'tools/call read')).toHaveLength(before);
    expect((await hub.tools()).items.map(({ name }) => name)).toEqual(['announces', 'dies']);
    expect(await hub.call('one__announces')).toMatchObject({ text: 'done' });
    // It was told when it happened, before anybody called.
    expect(events.find(({ type }) => type === 'definitions')).toMatchObject({
      server: 'one',
      changes: [{ tool: 'read', kind: 'changed' }],
      findings: [],
    });
  });

  test('is told, and the tool is called, where the policy is to warn', async ({
    onTestFinished,
  }) => {
    const { hub, events } = await pulled(onTestFinished, 'warn');
    expect(await hub.call('one__read')).toMatchObject({ text: 'done' });
    expect(events.filter(({ type }) => type === 'definitions')).toHaveLength(1);
  });

  test('the control: without pins the changed tool is called, and nothing is said', async ({
    onTestFinished,
  }) => {
    const { hub, events, one } = await pulled(onTestFinished, 'off');
    expect(await hub.call('one__read')).toMatchObject({ text: 'done' });
    expect(events.filter(({ type }) => type === 'definitions')).toEqual([]);
    expect(one.asked().filter((line) => line.startsWith('tools/list'))).toEqual([]);
  });

  test('is found by a server that was started anew, before the first call is sent to it', async ({
    onTestFinished,
  }) => {
    const pins = pinsIn(temporaryDirectory(onTestFinished));
    const { hub, one } = scene(onTestFinished, first, { pins });
    await hub.call('one__read');
    one.define(changed);
    expect(await refusal(hub.call('one__dies'))).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
    expect(await refusal(hub.call('one__read'))).toMatchObject({ code: 'ORCH_MCP_CHANGED' });
    expect(one.asked().filter((line) => line === 'tools/call read')).toHaveLength(1);
  });

  test('is not let through by a call that is repeated on a new connection', async ({
    onTestFinished,
  }) => {
    const pins = pinsIn(temporaryDirectory(onTestFinished));
    const { hub, one } = scene(onTestFinished, first, { pins });
    await hub.call('one__read');
    one.define({ tools: [tool('read'), tool('announces'), tool('dies', 'Now something else.')] });
    const error = await refusal(hub.call('one__dies', {}, { idempotent: true }));
    expect(error).toMatchObject({ code: 'ORCH_MCP_CHANGED' });
    expect(one.asked().filter((line) => line === 'tools/call dies')).toHaveLength(1);
  });
});

describe('pins', () => {
  test.each([
    ['title', { title: 'Another' }],
    ['a default within the schema', { inputSchema: { type: 'object', default: 1 } }],
    ['output schema', { outputSchema: { type: 'object' } }],
    ['annotations', { annotations: { readOnlyHint: true } }],
  ])('hold the %s of a tool', (_what, more) => {
    expectSecondSight([tool('read')], [tool('read', undefined, more)], ['changed']);
  });

  test('hold what tools there are', () => {
    expectSecondSight([tool('a')], [tool('a'), tool('b')], ['added']);
    expectSecondSight([tool('a'), tool('b')], [tool('a')], ['removed']);
  });

  test('do not mind the order of tools or keys', () => {
    const turned = Object.fromEntries(Object.entries(tool('b')).reverse());
    expectSecondSight([tool('a'), tool('b')], [turned, tool('a')], []);
  });

  test('refuse a tool that the server does not list', async ({ onTestFinished }) => {
    const pins = pinsIn(temporaryDirectory(onTestFinished));
    const { hub, one } = scene(onTestFinished, first, { pins });
    expect(await refusal(hub.call('one__unlisted'))).toMatchObject({ code: 'ORCH_MCP_CHANGED' });
    expect(one.asked()).not.toContain('tools/call unlisted');
  });

  test('a server that was never pinned can be refused until a person has looked', async ({
    onTestFinished,
  }) => {
    const pins = pinsIn(temporaryDirectory(onTestFinished), { firstUse: 'block' });
    const { hub, one } = scene(onTestFinished, first, { pins });
    expect(await refusal(hub.call('one__read'))).toMatchObject({ code: 'ORCH_MCP_CHANGED' });
    const server = hub.server('one');
    const review = await server.review();
    expect(review.changes.map(({ kind }) => kind)).toEqual(['added', 'added', 'added']);
    server.pin(review);
    expect(await hub.call('one__read')).toMatchObject({ text: 'done' });
    // What was looked at is pinned, and not what is there by now.
    one.define(changed);
    server.pin(await server.review());
    one.define(first);
    await hub.call('one__announces');
    expect(await refusal(hub.call('one__read'))).toMatchObject({ code: 'ORCH_MCP_CHANGED' });
    expect(() => hub.server('two').pin(review)).toThrow(
      expect.objectContaining({ code: 'ORCH_MCP_SPEC' }),
    );
  });

  test('are files of the user alone, and one that was tampered with stops the server', async ({
    onTestFinished,
  }) => {
    const directory = join(temporaryDirectory(onTestFinished), 'state');
    const { hub } = scene(onTestFinished, first, { pins: pinsIn(directory) });
    await hub.call('one__read');
    const [file = ''] = readdirSync(directory);
    expect(readdirSync(directory)).toHaveLength(1);
    expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    writeFileSync(join(directory, file), readFileSync(join(directory, file), 'utf8').slice(0, -9));
    await hub.call('one__announces'); // sent before the change was told
    const error = await refusal(hub.call('one__read'));
    expect(error.code).toBe('ORCH_MCP_STATE');
    expect(error.message).toContain(file);
  });

  test('of one project say nothing of another', async ({ onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    await scene(onTestFinished, first, { pins: pinsIn(directory) }).hub.call('one__read');
    const other = scene(onTestFinished, changed, { pins: pinsIn(directory, { project: '/b' }) });
    expect(await other.hub.call('one__read')).toMatchObject({ text: 'done' });
    const same = scene(onTestFinished, changed, { pins: pinsIn(directory) });
    expect(await refusal(same.hub.call('one__read'))).toMatchObject({ code: 'ORCH_MCP_CHANGED' });
  });

  test('of two who are first at once are those of one of them', ({ onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    const store = openPins(directory);
    const [a, b] = [tool('a'), tool('b')].map((one) =>
      store.write('/project', 'one', [one], 'create'),
    );
    expect([a, b]).toEqual([true, false]);
    expect(Object.keys(store.read('/project', 'one')?.tools ?? {})).toEqual(['a']);
  });
});

describe("the repository's lock", () => {
  const locked = (onTestFinished: Cleanup, tools: readonly object[]) => {
    const file = join(temporaryDirectory(onTestFinished), 'mcp.lock.json');
    writeFileSync(file, formatLock({ one: tools as never }));
    return readLock(file);
  };

  test('is compared: what differs from it is refused', async ({ onTestFinished }) => {
    const lock = locked(onTestFinished, [tool('read', 'Something else.'), tool('announces')]);
    const pins = pinsIn(temporaryDirectory(onTestFinished), { lock });
    const { hub } = scene(onTestFinished, first, { pins });
    const error = await refusal(hub.call('one__read'));
    expect(error.details['change']).toMatchObject({ kind: 'differs_from_lock' });
    expect(await hub.call('one__announces')).toMatchObject({ text: 'done' });
  });

  test('is not trusted: what it has is no pin', async ({ onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    await scene(onTestFinished, first, { pins: pinsIn(directory) }).hub.call('one__read');
    const lock = locked(onTestFinished, changed.tools);
    const { hub } = scene(onTestFinished, changed, { pins: pinsIn(directory, { lock }) });
    expect(await refusal(hub.call('one__read'))).toMatchObject({ code: 'ORCH_MCP_CHANGED' });
  });

  test('may be absent, and is refused when it is none', ({ onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    expect(readLock(join(directory, 'none.json'))).toEqual({});
    for (const text of ['', '{}', '{"version":1,"servers":{"a":{"b":"c"}}}']) {
      writeFileSync(join(directory, 'bad.json'), text);
      expect(() => readLock(join(directory, 'bad.json'))).toThrow(
        expect.objectContaining({ code: 'ORCH_MCP_CONFIG' }),
      );
    }
    mkdirSync(join(directory, 'directory'));
    expect(() => readLock(join(directory, 'directory'))).toThrow(
      expect.objectContaining({ code: 'ORCH_MCP_CONFIG' }),
    );
  });
});

test('one connection without a hub is guarded as well', async ({ onTestFinished }) => {
  const directory = temporaryDirectory(onTestFinished);
  const program = defined(directory, 'one', first);
  const options = {
    environment: { PATH: process.env['PATH'] },
    pins: pinsIn(join(directory, 'pins')),
  };
  const server = await connect(program.spec, options);
  await server.call('read');
  await server.close();
  program.define(changed);
  const again = await connect(program.spec, options);
  onTestFinished(() => again.close());
  expect(await refusal(again.call('read'))).toMatchObject({ code: 'ORCH_MCP_CHANGED' });
});

/** What is told of a list when another was pinned before. */
function expectSecondSight(
  before: readonly object[],
  after: readonly object[],
  kinds: readonly string[],
): void {
  const cleanups: (() => unknown)[] = [];
  try {
    const pins = pinsIn(temporaryDirectory((clean) => cleanups.push(clean)));
    const told: DefinitionReport[] = [];
    for (const tools of [before, after])
      new DefinitionGuard({
        ...{ server: 'one', project: '/project', pins, scan: 'off', neighbours: new Neighbours() },
        tell: (report) => told.push(report),
      }).take(tools as readonly Tool[]);
    expect(told.flatMap(({ changes }) => changes.map(({ kind }) => kind))).toEqual(kinds);
  } finally {
    for (const clean of cleanups) clean();
  }
}

test('a server that changes its list while it is read is read again, and not for ever', async ({
  onTestFinished,
}) => {
  const pins = pinsIn(temporaryDirectory(onTestFinished));
  const { hub, one } = scene(onTestFinished, first, { pins });
  await Promise.all(Array.from({ length: 20 }, () => hub.call('one__announces')));
  await until(() => hub.states()['one'] === 'ready', 'the server to be ready');
  await hub.call('one__read');
  // Twenty announcements, and not twenty lists each.
  expect(one.asked().filter((line) => line.startsWith('tools/list')).length).toBeLessThan(45);
});
