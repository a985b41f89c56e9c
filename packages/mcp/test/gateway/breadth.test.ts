import { expect, test } from 'vitest';
import { connect, type ServerEvent } from '../../src/index.js';
import { useBuiltProgram } from '../built-program.js';
import { refusal, startWitness, until } from '../scene.js';
import { installed } from '../servers/installed.js';
import { environment, gatewayScene } from './scene.js';

const bridge = useBuiltProgram('src/gateway/main.ts');

test('everything of the reference server comes through the bridge and the gateway', async ({
  onTestFinished,
}) => {
  const servers = { all: { command: process.execPath, args: [installed('everything'), 'stdio'] } };
  const scene = await gatewayScene(onTestFinished, { servers });
  const direct = scene.hub.server('all');
  const { grant } = await scene.grant();
  const events: ServerEvent[] = [];
  const agent = await connect(
    { command: process.execPath, args: [bridge(), scene.url, grant.tokenFile] },
    { environment, onEvent: (_server, event) => void events.push(event) },
  );
  onTestFinished(() => agent.close());

  const own = (text: string): string => `mcp://all/${text}`;
  expect(await agent.tools()).toEqual(
    (await direct.tools()).map((tool) => ({ ...tool, name: `all__${tool.name}` })),
  );
  expect((await agent.prompts()).map(({ name }) => name)).toEqual(
    (await direct.prompts()).map(({ name }) => `all__${name}`),
  );
  const resources = await direct.resources();
  expect((await agent.resources()).map(({ uri }) => uri)).toEqual(
    resources.map(({ uri }) => own(uri)),
  );
  const templates = await direct.resourceTemplates();
  expect((await agent.resourceTemplates()).map(({ uriTemplate }) => uriTemplate)).toEqual(
    templates.map(({ uriTemplate }) => own(uriTemplate)),
  );

  expect((await agent.call('all__echo', { message: 'hi' })).text).toBe('Echo: hi');
  const [first] = resources;
  const uri = first?.uri ?? '';
  const [read] = await agent.readResource(own(uri));
  const [readDirectly] = await direct.readResource(uri);
  expect(read).toEqual({ ...readDirectly, uri: own(uri) });

  const links = await agent.call('all__get-resource-links', { count: 2 });
  const link = links.content.find(({ type }) => type === 'resource_link');
  expect(link?.['uri']).toMatch(/^mcp:\/\/all\/demo:/);
  expect(await agent.readResource(link?.['uri'] as string)).toHaveLength(1);

  const prompt = await agent.prompt('all__args-prompt', { city: 'Paris' });
  expect(JSON.stringify(prompt)).toContain('Paris');
  const argument = { name: 'department', value: 'E' };
  const completion = await agent.complete({ prompt: 'all__completable-prompt' }, argument);
  expect(completion.values).toEqual(['Engineering']);

  const progress: number[] = [];
  await agent.call(
    'all__trigger-long-running-operation',
    { duration: 0.2, steps: 2 },
    { onProgress: (told) => void progress.push(told.progress) },
  );
  expect(progress).toEqual([1, 2]);

  await agent.setLogLevel('debug');
  await agent.call('all__toggle-simulated-logging');
  await until(() => events.some(({ type }) => type === 'log'), 'a log message');
  await agent.subscribe(own(uri));
  await agent.call('all__toggle-subscriber-updates');
  await until(
    () => events.some((event) => event.type === 'updated' && event.uri === own(uri)),
    'an update',
  );
  expect(scene.refusals()).toEqual([]);
});

test('the bridge ends with its agent, and when its token is none', async ({ onTestFinished }) => {
  const scene = await gatewayScene(onTestFinished);
  const { grant } = await scene.grant();
  const witness = startWitness();
  const spec = {
    command: process.execPath,
    args: [bridge(), scene.url, grant.tokenFile],
    env: witness.env,
  };
  const agent = await connect(spec, { environment });
  expect((await agent.call('one__good')).text).toBe('well');
  expect(witness.alive()).toHaveLength(1);
  await agent.close();
  expect(witness.alive()).toEqual([]);

  const late = await connect(spec, { environment });
  await grant.revoke();
  const error = await refusal(late.call('one__good', {}, { idempotent: false }));
  expect(error.message).toContain('401');
  await late.close();
  const none = await refusal(connect(spec, { environment }));
  expect(none).toMatchObject({ code: 'ORCH_MCP_START', details: { exitCode: 7 } });
  expect(none.message).toContain('could not be read (ENOENT)');
  expect(witness.alive()).toEqual([]);
});
