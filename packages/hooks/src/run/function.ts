import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { excerpt } from '../json.js';
import { answerLimit } from './answer.js';
import { failed, flooded, readText, timedOut, type Delivery, type Ran } from './result.js';

/** A module in a thread of its own, so that one that hangs, exits or eats memory takes nothing with it. */
export interface FunctionThread {
  ask(delivery: Delivery): Promise<Ran>;
  close(): Promise<void>;
}

/** CommonJS, because it is given as text: it works from source, from a bundle and from a tarball alike. */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const loaded = import(workerData).then((module) => {
  if (typeof module.default !== 'function') throw new TypeError('its default export is no function');
  return module.default;
});
loaded.catch(() => undefined);
parentPort.on('message', async ({ id, event, payload }) => {
  try {
    const answer = await (await loaded)(JSON.parse(payload), { event });
    parentPort.postMessage({ id, text: answer === undefined || answer === null ? '' : JSON.stringify(answer) });
  } catch (error) {
    parentPort.postMessage({ id, error: String((error && error.message) || error) });
  }
});
`;

/** What the program above says of one event: one of the two. */
interface Said {
  readonly id: number;
  readonly text?: string;
  readonly error?: string;
}

interface Waiting {
  readonly delivery: Delivery;
  settle(ran: Ran): void;
}

const memoryMb = 256;

/** Loads the module at the first event and keeps it. What hangs is ended, and loaded anew for the next event. */
export function createFunctionThread(module: string): FunctionThread {
  let thread: Worker | undefined;
  let waiting = new Map<number, Waiting>();
  let count = 0;

  function start(env: Delivery['env']): Worker {
    const mine = new Map<number, Waiting>();
    const worker = new Worker(program, {
      eval: true,
      workerData: pathToFileURL(module).href,
      env: { ...env },
      argv: [],
      execArgv: [],
      stdin: false,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    waiting = mine;
    const fail = (ran: Ran): void => drop(worker, mine, ran);
    worker.on('message', (said: unknown) => {
      if (!isSaid(said)) {
        fail(failed('invalid', 'it said something that is no answer'));
        return;
      }
      const one = mine.get(said.id);
      if (one === undefined) return;
      mine.delete(said.id);
      if (mine.size === 0) worker.unref();
      one.settle(readSaid(said, one.delivery));
    });
    worker.once('error', (error) => fail(failed('crash', `it threw: ${excerpt(textOf(error))}`)));
    worker.once('exit', (code) => fail(failed('crash', `it ended its thread with code ${code}`)));
    worker.stdout.resume();
    worker.stderr.resume();
    worker.unref();
    return worker;
  }

  function drop(worker: Worker, mine: Map<number, Waiting>, ran: Ran): void {
    if (thread === worker) thread = undefined;
    const left = [...mine.values()];
    mine.clear();
    for (const one of left) one.settle(ran);
    void worker.terminate();
  }

  return {
    ask(delivery) {
      const worker = (thread ??= start(delivery.env));
      const mine = waiting;
      const id = (count += 1);
      return new Promise((resolve) => {
        const { timeoutMs, signal } = delivery;
        const timer = setTimeout(() => drop(worker, mine, timedOut(timeoutMs)), timeoutMs);
        const abort = (): void => drop(worker, mine, failed('cancelled', 'it was cancelled'));
        const settle = (ran: Ran): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', abort);
          resolve(ran);
        };
        mine.set(id, { delivery, settle });
        signal?.addEventListener('abort', abort, { once: true });
        if (signal?.aborted === true) {
          abort();
          return;
        }
        worker.ref();
        worker.postMessage({ id, event: delivery.event, payload: delivery.payload });
      });
    },
    async close() {
      const worker = thread;
      if (worker === undefined) return;
      drop(worker, waiting, failed('cancelled', 'the engine was closed'));
      await worker.terminate();
    },
  };
}

/** The module shares the port with the program that loads it, and can say anything there. */
function isSaid(said: unknown): said is Said {
  const { id, text, error } = (said ?? {}) as Readonly<Record<string, unknown>>;
  const [one, none] = text === undefined ? [error, text] : [text, error];
  return typeof id === 'number' && typeof one === 'string' && none === undefined;
}

/** Anything can be thrown, also what has no text. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'a value that has no text';
  }
}

function readSaid({ text = '', error }: Said, { event, facts }: Delivery): Ran {
  if (error !== undefined) return failed('crash', `it threw: ${excerpt(error)}`);
  if (text.length > answerLimit) return flooded();
  // A function hands over a value: text in it is no context, and a bare word no answer.
  if (text !== '' && !text.startsWith('{'))
    return failed(
      'invalid',
      `its answer is not valid: it must be an object, received ${excerpt(text, 80)}`,
    );
  return readText(text, event, facts);
}
