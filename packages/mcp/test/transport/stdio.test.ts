import { createProcessOwner } from '@orch/process';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.js';
import { openStdio } from '../../src/transport/stdio.js';
import { temporaryDirectory, until } from '../scene.js';

test('everything that is sent in one turn comes in its order, however much it is', async ({
  onTestFinished,
}) => {
  const directory = temporaryDirectory(onTestFinished);
  const owner = createProcessOwner({ marker: `mcp-stdio-${process.pid}` });
  onTestFinished(async () => {
    await owner.close();
  });
  const came: JsonObject[] = [];
  const ignore = (): void => undefined;
  const transport = await openStdio(
    owner,
    {
      argv: ['/bin/cat'],
      cwd: directory,
      env: {},
      closeMs: 2000,
      maxMessageBytes: 1024 * 1024,
      spill: undefined,
    },
    {
      message: (message) => came.push(message),
      noise: (text) => came.push({ noise: text }),
      missed: ignore,
      failed: ignore,
      waitsForPerson: ignore,
      closed: ignore,
      oversized: ignore,
    },
  );
  const sizes = [0, 1, 100, 2047, 2048, 5000, 200_000];
  const sent = Array.from({ length: 702 }, (_, id) => ({
    id,
    text: 'ä'.repeat(sizes[id % sizes.length] ?? 0),
  }));
  for (const message of sent.slice(0, 400)) void transport.send(JSON.stringify(message));
  await Promise.resolve();
  for (const message of sent.slice(400, 690)) void transport.send(JSON.stringify(message));
  await until(() => came.length === 690, 'all of them to come back');
  // What is sent last, with little as its end, is written before the input ends.
  for (const message of sent.slice(690)) void transport.send(JSON.stringify(message));
  await transport.close();
  expect(came).toEqual(sent);
});
