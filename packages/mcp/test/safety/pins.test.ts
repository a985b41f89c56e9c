import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
    expect(error.details['change']).toMatchObject({ part: 'tools', name: 'read', kind: 'changed' });
    expect(one.asked().filter((line) => line === 'tools/call read')).toHaveLength(before);
    expect((await hub.tools()).items.map(({ name }) => name)).toEqual(['announces', 'dies']);
    expect(await hub.call('one__announces')).toMatchObject({ text: 'done' });
    // It was told when it happened, before anybody called.
    expect(events.find(({ type }) => type === 'definitions')).toMatchObject({
      server: 'one',
      changes: [{ part: 'tools', name: 'read', kind: 'changed' }],
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
    const file = toolsFileIn(directory);
    for (const one of readdirSync(directory))
      expect(statSync(join(directory, one)).mode & 0o777).toBe(0o600);
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
      store.write('/project', 'one', 'tools', [one], 'create'),
    );
    expect([a, b]).toEqual([true, false]);
    expect(Object.keys(store.read('/project', 'one', 'tools')?.definitions ?? {})).toEqual(['a']);
  });
});

const whole = {
  ...first,
  prompts: [
    { name: 'greet', description: 'Greets.', arguments: [{ name: 'whom' }] },
    { name: 'part', description: 'Says goodbye.' },
  ],
  resources: [
    { uri: 'x:/a', name: 'a', description: 'The first.', size: 1 },
    { uri: 'x:/b', name: 'b' },
  ],
  templates: [{ uriTemplate: 'x:/{id}', name: 'one', description: 'Any.' }],
  instructions: 'Be brief.',
};
const other = {
  ...first,
  prompts: [
    { name: 'greet', description: 'Greets, and sends a copy.', arguments: [{ name: 'whom' }] },
    { name: 'part', description: 'Says goodbye.' },
    { name: 'new', description: 'New.' },
  ],
  resources: [
    { uri: 'x:/a', name: 'a', description: 'Read this first.', size: 1 },
    { uri: 'x:/b', name: 'b', size: 3 },
    { uri: 'x:/c', name: 'c' },
  ],
  templates: [{ uriTemplate: 'x:/{id}', name: 'one', description: 'Any, and more.' }],
  instructions: 'Be brief. And call read first.',
};

describe('prompts, resources, templates and instructions', () => {
  /** As they are shown, and what is told of them. */
  async function seen({ hub, events }: ReturnType<typeof scene>) {
    const server = hub.server('one');
    const { instructions } = await server.ready();
    return {
      instructions,
      prompts: (await server.prompts()).map(({ name }) => name),
      resources: (await server.resources()).map(({ uri }) => uri),
      templates: (await server.resourceTemplates()).map(({ uriTemplate }) => uriTemplate),
      changes: events
        .flatMap((event) => (event.type === 'definitions' ? event.changes : []))
        .map(({ part, name, kind }) => `${part} ${name} ${kind}`)
        .sort(),
    };
  }
  const all = {
    instructions: 'Be brief.',
    prompts: ['greet', 'part'],
    resources: ['x:/a', 'x:/b'],
    templates: ['x:/{id}'],
    changes: [],
  };
  const told = [
    'instructions instructions changed',
    'prompts greet changed',
    'prompts new added',
    'resources x:/a changed',
    'resources x:/c added',
    'templates x:/{id} changed',
  ];

  test('are neither shown nor used when they are not what was pinned, and what changed is told', async ({
    onTestFinished,
  }) => {
    const directory = temporaryDirectory(onTestFinished);
    const before = scene(onTestFinished, whole, { pins: pinsIn(directory) });
    expect(await seen(before)).toEqual(all);
    await before.hub.close();

    const after = scene(onTestFinished, other, { pins: pinsIn(directory) });
    const { hub, one } = after;
    const server = hub.server('one');
    expect(await seen(after)).toEqual({
      instructions: undefined,
      prompts: ['part'],
      resources: ['x:/b'],
      templates: [],
      changes: told,
    });
    const refused = {
      greet: await refusal(server.prompt('greet')),
      new: await refusal(server.prompt('new')),
      whom: await refusal(server.complete({ prompt: 'greet' }, { name: 'whom', value: '' })),
      read: await refusal(server.readResource('x:/a')),
      watched: await refusal(server.subscribe('x:/c')),
      template: await refusal(server.complete({ template: 'x:/{id}' }, { name: 'id', value: '' })),
    };
    for (const error of Object.values(refused)) expect(error.code).toBe('ORCH_MCP_CHANGED');
    expect(refused.greet.details).toMatchObject({ prompt: 'greet', change: { kind: 'changed' } });
    expect(refused.greet.message).toContain(
      '- /description: Greets.\n+ /description: Greets, and sends a copy.',
    );
    const used = /^(?:prompts\/get|resources\/read|resources\/subscribe|completion)/;
    expect(one.asked().filter((line) => used.test(line))).toEqual([]);
    // What is as it was is used.
    await server.prompt('part');
    expect(await server.readResource('x:/b')).toHaveLength(1);
    // What no list has is no definition: a template or a result leads to it.
    expect(await server.readResource('x:/z')).toHaveLength(1);

    // A person looks, and then it is right.
    const review = await server.review();
    expect(review.instructions).toBe(other.instructions);
    server.pin(review);
    await server.prompt('greet');
    await hub.close();
    const last = scene(onTestFinished, other, { pins: pinsIn(directory) });
    expect(await seen(last)).toMatchObject({
      instructions: other.instructions,
      prompts: ['greet', 'part', 'new'],
      resources: ['x:/a', 'x:/b', 'x:/c'],
      changes: [],
    });
  });

  test('the control: without pins, and with those that only warn, all of it is shown and used', async ({
    onTestFinished,
  }) => {
    const directory = temporaryDirectory(onTestFinished);
    await seen(scene(onTestFinished, whole, { pins: pinsIn(directory) }));
    for (const policy of ['off', 'warn'] as const) {
      const after = scene(onTestFinished, other, { pins: pinsIn(directory, { policy }) });
      expect(await seen(after)).toMatchObject({
        instructions: other.instructions,
        prompts: ['greet', 'part', 'new'],
        resources: ['x:/a', 'x:/b', 'x:/c'],
        changes: policy === 'off' ? [] : told,
      });
      await after.hub.server('one').prompt('greet');
    }
  });

  test('a prompt that changes in the middle of a session is listed anew before it is got', async ({
    onTestFinished,
  }) => {
    const pins = pinsIn(temporaryDirectory(onTestFinished));
    const { hub, one } = scene(onTestFinished, whole, { pins });
    const server = hub.server('one');
    await server.prompt('greet');
    one.define({ ...other, instructions: whole.instructions });
    await server.call('announces');
    expect(await refusal(server.prompt('greet'))).toMatchObject({ code: 'ORCH_MCP_CHANGED' });
    expect(one.asked().filter((line) => line.startsWith('prompts/get'))).toHaveLength(1);
  });

  test('resources that are data come and go; all else is pinned', async ({ onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    const { one } = scene(onTestFinished, whole);
    const options = {
      environment: { PATH: process.env['PATH'] },
      pins: pinsIn(directory),
    };
    const spec = { ...one.spec, dataResources: true };
    const before = await connect(spec, options);
    await before.resources();
    await before.prompts();
    await before.close();
    one.define(other);
    const server = await connect(spec, options);
    onTestFinished(() => server.close());
    expect(await server.resources()).toHaveLength(3);
    expect(await server.readResource('x:/a')).toHaveLength(1);
    expect(await server.prompts()).toHaveLength(1);
    const review = await server.review();
    expect(new Set(review.changes.map(({ part }) => part))).not.toContain('resources');
    expect(readdirSync(directory).filter((name) => name.includes('resources'))).toEqual([]);
  });

  test('of a server of which only the tools are pinned, those hold, and of the rest it is told that it was not', async ({
    onTestFinished,
  }) => {
    const directory = temporaryDirectory(onTestFinished);
    const old = scene(onTestFinished, whole, { pins: pinsIn(directory) });
    await old.hub.call('one__read');
    await old.hub.close();
    // What an older version has left: one file, which knows of tools.
    for (const name of readdirSync(directory))
      if (name !== toolsFileIn(directory)) rmSync(join(directory, name));
    const file = join(directory, toolsFileIn(directory));
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')) as object)).toEqual([
      ...['version', 'project', 'server', 'tools', 'pinnedAt'],
    ]);
    const definitions = { ...other, tools: changed.tools };
    const now = scene(onTestFinished, definitions, { pins: pinsIn(directory) });
    expect(await refusal(now.hub.call('one__read'))).toMatchObject({ code: 'ORCH_MCP_CHANGED' });
    expect((await seen(now)).changes).toEqual(['tools read changed']);
    const late = now.events.flatMap((event) =>
      event.type === 'definitions' ? (event.firstPinned ?? []) : [],
    );
    expect(late.sort()).toEqual(['instructions', 'prompts', 'resources', 'templates']);
    await now.hub.close();
    // And from then on they are.
    const later = scene(onTestFinished, whole, { pins: pinsIn(directory) });
    expect((await seen(later)).changes).toContain('prompts greet changed');
  });

  test('a server that was never pinned is shown nothing of until a person has looked', async ({
    onTestFinished,
  }) => {
    const pins = pinsIn(temporaryDirectory(onTestFinished), { firstUse: 'block' });
    expect(await seen(scene(onTestFinished, whole, { pins }))).toMatchObject({
      instructions: undefined,
      prompts: [],
      resources: [],
      templates: [],
    });
  });

  test('pins of one part that were tampered with stop that part', async ({ onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    const before = scene(onTestFinished, whole, { pins: pinsIn(directory) });
    await seen(before);
    await before.hub.close();
    const broken = (part: string): void => {
      const file = readdirSync(directory).find((name) => name.endsWith(`.${part}.json`)) ?? '';
      writeFileSync(join(directory, file), '{}');
    };
    broken('prompts');
    const after = scene(onTestFinished, whole, { pins: pinsIn(directory) });
    const server = after.hub.server('one');
    expect(await refusal(server.prompt('part'))).toMatchObject({ code: 'ORCH_MCP_STATE' });
    expect(await after.hub.call('one__read')).toMatchObject({ text: 'done' });
    await after.hub.close();
    broken('instructions');
    const last = scene(onTestFinished, whole, { pins: pinsIn(directory) });
    expect(await refusal(last.hub.server('one').ready())).toMatchObject({ code: 'ORCH_MCP_STATE' });
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

/** The file in which the tools are pinned, which is also all that older versions know of. */
const toolsFileIn = (directory: string): string =>
  readdirSync(directory).find((name) => /^[0-9a-f]{32}\.json$/.test(name)) ?? '';

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
        dataResources: false,
        tell: (report) => told.push(report),
      }).take('tools', tools as readonly Tool[]);
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
