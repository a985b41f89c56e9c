import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCoordinator, sendCommand } from '../../src/index.js';
import { followInbox } from '../../src/journal/inbox.js';
import { runLayout } from '../../src/journal/layout.js';
import { createWorld, graphOf, taskNode } from '../simulated-world.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'orch-inbox-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('a command becomes one event of the leader, and ends the run', async () => {
  const layout = runLayout(directory, 'run0000001');
  const world = createWorld({ meet: 2 });
  const parts = world.parts(directory);
  const state = await createCoordinator({
    ...parts,
    agent: {
      ...parts.agent,
      // It works until somebody cancels the run.
      run: async (request, { signal }) => {
        await sendCommand(layout, { kind: 'cancel', by: 'a test' }, 0);
        // It may have been read before we look.
        if (!signal.aborted)
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return {
          outcome: 'cancelled',
          summary: '',
          denials: [],
          usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
          usd: null,
          turns: 0,
          session: request.session.id,
          exit: { code: null, signal: 'SIGTERM' },
          durationMs: 1,
          left: 0,
        };
      },
    },
  }).start({
    graph: graphOf([taskNode('a'), taskNode('b', { needs: ['a'] })]),
    base: world.base,
    branch: 'main',
    mode: 'run',
    parallel: 1,
  });
  expect(state.outcome).toBe('cancelled');
  expect(state.tasks['a']?.verdict).toBe('cancelled');
  expect(state.tasks['b']).toMatchObject({ verdict: 'skipped', skipped: 'cancelled' });
  expect(Object.values(state.commands)).toEqual([{ kind: 'cancel', by: 'a test' }]);
});

it('what is not a command is passed over', async () => {
  const layout = runLayout(directory, 'run0000002');
  mkdirSync(layout.directory, { recursive: true });
  appendFileSync(
    layout.inbox,
    '{"v":1,"id":"x","command":{"kind":"explode"}}\n[1]\nnot json\nnull\n',
  );
  const id = await sendCommand(layout, { kind: 'cancel', by: 'me' }, 0);
  const stop = new AbortController();
  for await (const record of followInbox(layout, stop.signal)) {
    expect(record.id).toBe(id);
    stop.abort();
  }
});

it('a command is what is known of one: what else its line holds reaches nobody', async () => {
  const layout = runLayout(directory, 'run0000003');
  mkdirSync(layout.directory, { recursive: true });
  const deep = '['.repeat(20_000) + ']'.repeat(20_000);
  const lines = [
    `{"v":1,"id":"a","command":{"kind":"cancel","by":"me","z":${deep}},"z":${deep}}`,
    '{"v":1,"id":"b","command":{"kind":"cancel","by":"me","reason":"enough"}}',
    '{"v":1,"id":"c","command":{"kind":"cancel","by":"me","reason":["enough"]}}',
  ];
  appendFileSync(layout.inbox, lines.map((line) => `${line}\n`).join(''));
  const stop = new AbortController();
  const read = [];
  for await (const record of followInbox(layout, stop.signal)) {
    read.push(record);
    if (read.length === lines.length) stop.abort();
  }
  expect(read).toEqual([
    { id: 'a', command: { kind: 'cancel', by: 'me' }, expired: false },
    { id: 'b', command: { kind: 'cancel', by: 'me', reason: 'enough' }, expired: false },
    { id: 'c', command: { kind: 'cancel', by: 'me' }, expired: false },
  ]);
});
