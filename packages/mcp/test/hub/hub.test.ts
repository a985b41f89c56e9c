import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessOwner } from '@orch/process';
import { describe, expect, test } from 'vitest';
import {
  connect,
  createMcpHub,
  type HubOptions,
  type ServerSpec,
  type Transport,
} from '../../src/index.js';
import {
  programs,
  refusal,
  refusals,
  startWitness,
  temporaryDirectory,
  until,
  type Cleanup,
} from '../scene.js';

const program = join(programs, 'fault-server.mjs');
const environment = { PATH: process.env['PATH'], HOME: '/home/user', SECRET_TOKEN: 'fake' };

/** Two servers, whose input is written into files. */
function scene(onTestFinished: Cleanup, more: Partial<HubOptions> = {}, first = {}) {
  const directory = temporaryDirectory(onTestFinished);
  const logged = (name: string): ServerSpec => ({
    command: process.execPath,
    args: [program, 'log', join(directory, name)],
  });
  const hub = createMcpHub({
    servers: { one: { ...logged('one'), ...first }, two: logged('two') },
    environment,
    ...more,
  });
  onTestFinished(() => hub.close());
  return {
    hub,
    methodsSent: (name: string): string[] => {
      const file = join(directory, name);
      if (!existsSync(file)) return [];
      const lines = readFileSync(file, 'utf8').trim().split('\n');
      return lines.map((line) => (JSON.parse(line) as { method: string }).method);
    },
  };
}

describe('names', () => {
  test('say which server a tool is of, and lead back to it', async ({ onTestFinished }) => {
    const { hub, methodsSent } = scene(onTestFinished);
    const { items, missing } = await hub.tools();
    expect(missing).toEqual([]);
    expect(items.filter(({ name }) => name === 'good').map((tool) => tool.qualifiedName)).toEqual([
      'one__good',
      'two__good',
    ]);
    expect(await hub.call('two__good', { say: 'here' })).toMatchObject({ text: 'here' });
    expect(methodsSent('one')).not.toContain('tools/call');
    expect(methodsSent('two')).toContain('tools/call');
  });

  test('that lead to no server are refused with those that there are', async ({
    onTestFinished,
  }) => {
    const { hub } = scene(onTestFinished);
    const error = await refusal(hub.call('three__good'));
    expect(error).toMatchObject({ code: 'ORCH_MCP_SPEC' });
    expect(error.message).toContain('one, two');
    expect(await refusal(hub.call('good'))).toMatchObject({ code: 'ORCH_MCP_SPEC' });
  });

  test.each(['a__b', 'a_', '_a', '', 'a b', 'a/b'])('%j is none for a server', (name) => {
    expect(() => createMcpHub({ servers: { [name]: { command: 'true' } } })).toThrow(
      expect.objectContaining({ code: 'ORCH_MCP_SPEC' }),
    );
  });
});

describe('filters', () => {
  test('hold for the list and for the call, and nothing is sent', async ({ onTestFinished }) => {
    const { hub, methodsSent } = scene(onTestFinished, {}, { tools: { deny: ['g*d'] } });
    const names = (await hub.tools()).items.map((tool) => tool.qualifiedName);
    expect(names).not.toContain('one__good');
    expect(names).toContain('one__pid');
    expect(names).toContain('two__good');
    expect(await refusal(hub.call('one__good'))).toMatchObject({ code: 'ORCH_MCP_REFUSED' });
    expect(methodsSent('one')).not.toContain('tools/call');
    // The control: without the filter the same call arrives.
    await hub.call('two__good');
    expect(methodsSent('two')).toContain('tools/call');
  });

  test('of the hub narrow those of a server, and cannot widen them', async ({ onTestFinished }) => {
    const { hub } = scene(
      onTestFinished,
      { policy: { tools: { allow: ['one__good', 'one__pid', 'two__*'], deny: ['*__exits'] } } },
      { tools: { allow: ['good', 'twice'] } },
    );
    const names = (await hub.tools()).items.map((tool) => tool.qualifiedName);
    expect(names.filter((name) => name.startsWith('one'))).toEqual(['one__good']);
    expect(names).not.toContain('two__exits');
    for (const refused of ['one__pid', 'one__twice', 'two__exits'])
      expect(await refusal(hub.call(refused))).toMatchObject({ code: 'ORCH_MCP_REFUSED' });
  });

  test('hold for resources, prompts, subscriptions and completion, before anything is started', async ({
    onTestFinished,
  }) => {
    const none = { deny: ['*'] };
    const { hub } = scene(onTestFinished, { policy: { resources: none, prompts: none } });
    const one = hub.server('one');
    const argument = { name: 'a', value: '' };
    const refused = [
      one.readResource('file:///etc/passwd'),
      one.subscribe('file:///etc/passwd'),
      one.unsubscribe('file:///etc/passwd'),
      one.prompt('p'),
      hub.prompt('one__p'),
      one.complete({ prompt: 'p' }, argument),
      one.complete({ template: 'file:///{path}' }, argument),
    ];
    for (const error of await refusals(refused))
      expect(error).toMatchObject({ code: 'ORCH_MCP_REFUSED' });
    expect(hub.states()).toEqual({ one: 'idle', two: 'idle' });
  });

  test.each([
    ['text for a list', { tools: { allow: 'good' } }],
    ['an empty name', { tools: { deny: [''] } }],
    ['a misspelt key', { tools: { denny: ['good'] } }],
    ['a misspelt filter', { tool: { deny: ['good'] } }],
  ])('that are none are refused at once: %s', (_what, filters) => {
    const ofServer = (): unknown =>
      createMcpHub({ servers: { one: { command: 'true', ...(filters as object) } } });
    const ofHub = (): unknown => createMcpHub({ servers: {}, policy: filters as never });
    expect(ofServer).toThrow(expect.objectContaining({ code: 'ORCH_MCP_SPEC' }));
    expect(ofHub).toThrow(expect.objectContaining({ code: 'ORCH_MCP_SPEC' }));
  });
});

describe('a hub', () => {
  test('starts a server for its first call, and once for many', async ({ onTestFinished }) => {
    const { hub } = scene(onTestFinished);
    expect(hub.states()).toEqual({ one: 'idle', two: 'idle' });
    const pids = await Promise.all(Array.from({ length: 20 }, () => hub.call('one__pid')));
    expect(new Set(pids.map(({ text }) => text)).size).toBe(1);
    expect(hub.states()).toEqual({ one: 'ready', two: 'idle' });
  });

  test('names the servers that gave no list', async ({ onTestFinished }) => {
    const { hub } = scene(onTestFinished, {}, { command: '/no/such/program' });
    const { items, missing } = await hub.tools();
    expect(items.every(({ server }) => server === 'two')).toBe(true);
    expect(missing).toMatchObject([{ server: 'one', error: { code: 'ORCH_MCP_START' } }]);
  });

  test('names those that failed of something else than themselves, too', async ({
    onTestFinished,
  }) => {
    const find = (): never => {
      throw new Error('the disk is gone');
    };
    const written = { command: process.execPath };
    const origin = { scope: 'project', source: '.mcp.json', project: '/project', written };
    const { hub } = scene(onTestFinished, { approvals: { find } as never }, { origin });
    const { items, missing } = await hub.tools();
    expect(new Set(items.map(({ server }) => server))).toEqual(new Set(['two']));
    expect(missing).toMatchObject([{ server: 'one', error: { code: 'ORCH_MCP_RESULT' } }]);
    expect(missing[0]?.error.message).toContain('the disk is gone');
  });

  test('starts nothing once it is closed', async ({ onTestFinished }) => {
    const { hub } = scene(onTestFinished);
    await hub.call('one__good');
    await hub.close();
    expect(await refusal(hub.call('one__good'))).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
    expect(await refusal(hub.call('two__good'))).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
  });

  test('leaves the owner of its user open, and nothing of a deaf server in it', async ({
    onTestFinished,
  }) => {
    const owner = createProcessOwner({ marker: `hub-test-${process.pid}` });
    onTestFinished(async () => {
      await owner.close();
    });
    const witness = startWitness();
    const server = await connect(
      {
        command: 'sh',
        args: ['-c', `"$0" "$1" deaf; true`, process.execPath, program],
        env: witness.env,
        closeMs: 100,
      },
      { environment, owner },
    );
    expect(witness.alive().length).toBeGreaterThan(1);
    await server.close();
    expect(witness.alive()).toEqual([]);
    const still = await owner.run({ argv: ['true'], cwd: '/', env: { PATH: '/bin:/usr/bin' } });
    expect(still.code).toBe(0);
  });

  test('that is closed while a server starts leaves nothing of it', async ({ onTestFinished }) => {
    const witness = startWitness();
    const { hub } = scene(onTestFinished, {}, { env: witness.env });
    const calling = refusal(hub.call('one__good'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await hub.close();
    expect(await calling).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
    expect(witness.alive()).toEqual([]);
  });

  test('that is closed does not wait for who opens a server in a way of their own, and closes what comes late', async ({
    onTestFinished,
  }) => {
    let isLateClosed = false;
    const late: Transport = {
      send: () => undefined,
      forget: () => undefined,
      ready: () => undefined,
      close() {
        isLateClosed = true;
        return Promise.resolve({});
      },
    };
    let give: (transport: Transport) => void = () => undefined;
    let isOpening = false;
    const own = new Promise<Transport>((resolve) => (give = resolve));
    const open = (): Promise<Transport> => {
      isOpening = true;
      return own;
    };
    const hub = createMcpHub({ servers: { one: { type: 'custom', open, startMs: 30_000 } } });
    onTestFinished(() => hub.close());
    const calling = refusal(hub.call('one__good'));
    await until(() => isOpening, 'the server to be opened');
    const beganMs = performance.now();
    await hub.close();
    expect(performance.now() - beganMs).toBeLessThan(5000);
    expect(await calling).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
    expect(isLateClosed).toBe(false);
    give(late);
    await until(() => isLateClosed, 'what came late to be closed');
  });

  test('does not send what is no JSON, and does not end for it', async ({ onTestFinished }) => {
    const { hub, methodsSent } = scene(onTestFinished);
    await hub.call('one__good');
    const circle: Record<string, unknown> = {};
    circle['itself'] = circle;
    for (const args of [circle, { big: 1n }])
      expect(await refusal(hub.call('one__good', args as never))).toMatchObject({
        code: 'ORCH_MCP_SPEC',
      });
    await hub.call('one__good');
    expect(methodsSent('one').filter((method) => method === 'tools/call')).toHaveLength(2);
  });

  test('does not end a server that is slow, and not deaf, because a caller was impatient', async ({
    onTestFinished,
  }) => {
    const { hub } = scene(onTestFinished, {}, { pingMs: 2000 });
    const pid = await hub.call('one__pid');
    for (let n = 1; n <= 3; n += 1) await refusal(hub.call('one__silent', {}, { timeoutMs: 20 }));
    await hub.server('one').ping();
    expect((await hub.call('one__pid')).text).toBe(pid.text);
  });

  test('has one listener on a signal, however many calls hang on it', async ({
    onTestFinished,
  }) => {
    const { hub } = scene(onTestFinished);
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const controller = new AbortController();
    const { signal } = controller;
    await hub.call('one__good', {}, { signal });
    const silent = Array.from({ length: 100 }, () =>
      refusal(hub.call('one__silent', {}, { signal })),
    );
    controller.abort();
    for (const error of await Promise.all(silent))
      expect(error).toMatchObject({ code: 'ORCH_MCP_CANCELLED' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  });
});

describe('what a server is given', () => {
  test('is a few variables and those of its own, and no others', async ({ onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    const file = join(directory, 'environment');
    const script = `env > ${file}; exec "$0" "$1"`;
    const server = await connect(
      { command: 'sh', args: ['-c', script, process.execPath, program], env: { OWN: 'yes' } },
      { environment },
    );
    await server.close();
    const names = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(names).toEqual(expect.arrayContaining(['HOME', 'PATH', 'OWN']));
    expect(names).not.toContain('SECRET_TOKEN');
  });

  test.each<[string, ServerSpec]>([
    ['a password in an address', { type: 'http', url: 'http://u:fake@localhost/' }],
    ['another scheme', { type: 'http', url: 'file:///etc/passwd' }],
    ['no program', { command: '' }],
    ['a time that is none', { command: 'true', timeoutMs: 0 }],
    ['an unknown type', { type: 'carrier pigeon', url: 'http://localhost/' } as never],
    ['an inherited type', { type: 'toString' } as never],
    ['another scheme', { type: 'ws', url: 'http://localhost/' }],
    ['an unknown fallback', { type: 'http', url: 'http://localhost/', fallback: 'ws' as never }],
    ['no heartbeat', { type: 'ws', url: 'ws://localhost/', heartbeatMs: 0 }],
    ['a password in a stream', { type: 'sse', url: 'http://user:fake@localhost/' }],
    ['nothing to open', { type: 'custom', open: 'server.js' as never }],
    [
      'a limit that nobody keeps',
      { type: 'custom', open: () => Promise.reject(new Error()), maxMessageBytes: 4096 } as never,
    ],
  ])('is checked at once: %s', (_what, spec) => {
    expect(() => createMcpHub({ servers: { one: spec } })).toThrow(
      expect.objectContaining({ code: 'ORCH_MCP_SPEC' }),
    );
  });
});
