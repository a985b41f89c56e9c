import { AgentsError } from './agents-error.js';

/** Events on their way to one reader. */
export interface EventQueue<T> {
  /**
   * Adds an event. Returns a promise when so many wait that the writer should pause; it settles when
   * the reader has caught up, or left.
   */
  push(event: T): Promise<void> | undefined;
  /** Nothing comes any more. */
  close(): void;
  readonly events: AsyncIterable<T>;
}

const fullAt = 1000;

/** `onLeft` is called when the reader leaves its loop before the end; what comes later is dropped. */
export function createEventQueue<T>(onLeft: () => void): EventQueue<T> {
  let waiting: T[] = [];
  let closed = false;
  let left = false;
  let taken = false;
  let wakeReader: (() => void) | undefined;
  let resumeWriters: (() => void)[] = [];

  function resume(): void {
    const writers = resumeWriters;
    resumeWriters = [];
    for (const writer of writers) writer();
  }

  async function* read(): AsyncGenerator<T, void, undefined> {
    let finished = false;
    try {
      for (;;) {
        const batch = waiting;
        waiting = [];
        resume();
        yield* batch;
        if (waiting.length > 0) continue;
        if (closed) break;
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
      finished = true;
    } finally {
      left = true;
      waiting = [];
      resume();
      if (!finished) onLeft();
    }
  }

  return {
    push(event) {
      if (left || closed) return undefined;
      waiting.push(event);
      wakeReader?.();
      if (waiting.length < fullAt) return undefined;
      return new Promise((resolve) => resumeWriters.push(resolve));
    },
    close() {
      closed = true;
      wakeReader?.();
    },
    events: {
      [Symbol.asyncIterator]() {
        if (taken) {
          throw new AgentsError(
            'ORCH_AGENTS_EVENTS_TAKEN',
            'The events of a turn can be read once: they are not kept. Record them in the first loop.',
          );
        }
        taken = true;
        return read();
      },
    },
  };
}
