import { describe, expect, it } from 'vitest';
import type { Ended } from '@orch/process';
import type { AgentEvent } from '../src/index.js';
import { createEventQueue } from '../src/event-queue.js';
import { endOfUnstarted, sayEnd } from '../src/process-end.js';
import { readAll } from './read-all.js';

const said = { text: '', bytes: 0, truncated: false, sha256: '' };
const ended: Ended = {
  ...{ reason: 'exited', code: 3, signal: null, durationMs: 7, stdout: said, stderr: said },
  survivors: [],
};
const running = { ended: Promise.resolve(ended) };

describe('sayEnd()', () => {
  it('says what is made of the end, and nothing after it', async () => {
    const queue = createEventQueue<AgentEvent>(() => undefined);
    const end = endOfUnstarted('nothing');
    await sayEnd(running, queue, () => end);
    expect(await readAll(queue.events)).toEqual([end]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new RangeError('too deep');
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('too deep'))],
  ] as const)('says that the turn failed, and why, where making it %s', async (_, tell) => {
    const queue = createEventQueue<AgentEvent>(() => undefined);
    await sayEnd(running, queue, tell);
    expect(await readAll(queue.events)).toMatchObject([
      {
        kind: 'end',
        outcome: 'failed',
        error: { reason: 'unknown', message: 'What it came to cannot be told: too deep' },
        usd: null,
        exit: { code: 3, signal: null },
      },
    ]);
  });
});
