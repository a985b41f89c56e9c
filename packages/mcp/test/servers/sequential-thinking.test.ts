import { expect, test } from 'vitest';
import { connect } from '../../src/index.js';
import { startWitness } from '../scene.js';
import { caller, environment, installed } from './installed.js';

test('the sequential thinking server: its tool, whose thoughts it counts', async ({
  onTestFinished,
}) => {
  const witness = startWitness();
  const server = await connect(
    { command: process.execPath, args: [installed('thinking')], env: witness.env },
    { environment },
  );
  onTestFinished(() => server.close());
  const { call, expectAllCalled } = caller(server);
  const thought = (thoughtNumber: number, more = {}) =>
    call('sequentialthinking', {
      thought: `thought ${thoughtNumber}`,
      thoughtNumber,
      totalThoughts: 3,
      nextThoughtNeeded: thoughtNumber < 3,
      ...more,
    });
  await thought(1);
  await thought(2);
  const last = await thought(3, { branchFromThought: 1, branchId: 'other' });
  expect(last.structured).toMatchObject({
    thoughtNumber: 3,
    nextThoughtNeeded: false,
    branches: ['other'],
    thoughtHistoryLength: 3,
  });
  await expectAllCalled(1);
  await server.close();
  expect(witness.alive()).toEqual([]);
});
