import { describe, expect, it } from 'vitest';
import { AgentsError } from '../src/agents-error.js';
import { createEventQueue } from '../src/event-queue.js';
import { readAll } from './read-all.js';

describe('createEventQueue()', () => {
  it('hands over everything in order, whatever came before and after the reader', async () => {
    const queue = createEventQueue<number>(() => undefined);
    void queue.push(1);
    void queue.push(2);
    const read = readAll(queue.events);
    await Promise.resolve();
    void queue.push(3);
    queue.close();
    expect(await read).toEqual([1, 2, 3]);
  });

  it('asks the writer to pause when the reader does not keep up, and to go on when it has', async () => {
    const queue = createEventQueue<number>(() => undefined);
    const pauses = Array.from({ length: 1000 }, (_, index) => queue.push(index));
    expect(pauses.slice(0, -1).every((pause) => pause === undefined)).toBe(true);
    const pause = pauses.at(-1);
    expect(pause).toBeInstanceOf(Promise);
    const reader = queue.events[Symbol.asyncIterator]();
    await reader.next();
    await pause;
    expect(queue.push(1000)).toBeUndefined();
  });

  it('tells once when the reader leaves, lets the writer go and drops the rest', async () => {
    let left = 0;
    const queue = createEventQueue<number>(() => (left += 1));
    const pauses = Array.from({ length: 1200 }, (_, index) => Promise.resolve(queue.push(index)));
    for await (const event of queue.events) if (event === 5) break;
    await Promise.all(pauses);
    expect(left).toBe(1);
    expect(queue.push(1)).toBeUndefined();
  });

  it('does not tell when the reader read to the end', async () => {
    let left = 0;
    const queue = createEventQueue<number>(() => (left += 1));
    void queue.push(1);
    queue.close();
    expect(await readAll(queue.events)).toEqual([1]);
    expect(left).toBe(0);
  });

  it('refuses a second reader', async () => {
    const queue = createEventQueue<number>(() => undefined);
    queue.close();
    await readAll(queue.events);
    let error: unknown;
    try {
      queue.events[Symbol.asyncIterator]();
    } catch (caught) {
      error = caught;
    }
    expect(AgentsError.isInstance(error) && error.code).toBe('ORCH_AGENTS_EVENTS_TAKEN');
  });
});
