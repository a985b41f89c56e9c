import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../src/index.js';
import { startWitness, temporaryDirectory } from '../scene.js';
import { caller, environment, installed } from './installed.js';

test('the memory server: all 9 tools, its resource, and what stands in its file', async ({
  onTestFinished,
}) => {
  const file = join(temporaryDirectory(onTestFinished), 'memory.jsonl');
  const stored = (): object[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as object);
  const witness = startWitness();
  const server = await connect(
    {
      command: process.execPath,
      args: [installed('memory')],
      env: { ...witness.env, MEMORY_FILE_PATH: file },
    },
    { environment },
  );
  onTestFinished(() => server.close());
  const { call, expectAllCalled } = caller(server);

  const relation = { from: 'ship', to: 'harbour', relationType: 'lies in' };
  const ship = { name: 'ship', entityType: 'thing', observations: ['has sails'] };
  const harbour = { name: 'harbour', entityType: 'place', observations: [] };
  await call('create_entities', { entities: [ship, harbour] });
  await call('create_relations', { relations: [relation] });
  await call('add_observations', {
    observations: [{ entityName: 'ship', contents: ['leaks', 'is old'] }],
  });
  const observations = ['has sails', 'leaks', 'is old'];
  expect(stored()).toEqual([
    { type: 'entity', ...ship, observations },
    { type: 'entity', ...harbour },
    { type: 'relation', ...relation },
  ]);

  expect((await call('read_graph')).structured).toEqual({
    entities: [{ ...ship, observations }, harbour],
    relations: [relation],
  });
  expect((await call('search_nodes', { query: 'leaks' })).structured).toMatchObject({
    entities: [{ name: 'ship' }],
  });
  expect((await call('open_nodes', { names: ['harbour'] })).structured).toMatchObject({
    entities: [{ name: 'harbour' }],
  });
  const [resource] = await server.resources();
  expect(resource?.uri).toBe('memory://knowledge-graph');
  const [contents] = await server.readResource('memory://knowledge-graph');
  expect(contents?.['text']).toContain('leaks');

  await call('delete_observations', {
    deletions: [{ entityName: 'ship', observations: ['leaks'] }],
  });
  await call('delete_relations', { relations: [relation] });
  await call('delete_entities', { entityNames: ['harbour'] });
  expect(stored()).toEqual([{ type: 'entity', ...ship, observations: ['has sails', 'is old'] }]);
  await expectAllCalled(9);

  await server.close();
  expect(witness.alive()).toEqual([]);
});
