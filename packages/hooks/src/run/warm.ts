import type { OwnedProcess, ProcessOwner } from '@orch/process';
import { excerpt, isJsonObject, own, parseJson } from '../json.js';
import { answerLimit } from './answer.js';
import { startFailure } from './command.js';
import { failed, flooded, readValue, timedOut, type Delivery, type Ran } from './result.js';

/** A program that stays, and answers one event after the other. */
export interface WarmProcess {
  ask(delivery: Delivery): Promise<Ran>;
  close(): Promise<void>;
}

interface Waiting {
  readonly delivery: Delivery;
  settle(ran: Ran): void;
}

interface Running {
  readonly owned: OwnedProcess;
  readonly waiting: Map<number, Waiting>;
  /** Set once it can no longer answer. */
  over: boolean;
}

/**
 * Starts the program at the first event and keeps it. Each line to it is `{"id":1,"event":"…","payload":{…}}`,
 * each line from it `{"id":1, …}` with the fields of an answer. One that does not answer in time, prints
 * something else, or ends, fails everybody who waits for it, and is started anew for the next event.
 */
export function createWarmProcess(owner: ProcessOwner, argv: readonly string[]): WarmProcess {
  let current: Promise<Running> | undefined;
  let count = 0;

  async function start(env: Delivery['env']): Promise<Running> {
    const waiting = new Map<number, Waiting>();
    let stderr = '';
    const stop = (ran: Ran): void => fail(running, ran);
    const owned = await owner.start({
      argv: argv as [string, ...string[]],
      cwd: '/',
      env,
      stdin: 'pipe',
      graceMs: 200,
      captureBytes: 1024,
      maxLineBytes: answerLimit,
      onStdoutLine: (line) => answered(line, waiting, stop),
      onStderrLine: (line) => {
        stderr = excerpt(line, 200);
      },
    });
    const running: Running = { owned, waiting, over: false };
    void owned.ended.then(
      (ended) => {
        const how =
          ended.code === null ? `by ${ended.signal ?? 'a signal'}` : `with exit code ${ended.code}`;
        const said = stderr === '' ? '' : `: ${stderr}`;
        stop(
          ended.reason === 'output_limit'
            ? flooded()
            : failed(
                ended.code === null ? 'signal' : 'crash',
                `it ended ${how} before it answered${said}`,
              ),
        );
      },
      (error: unknown) => stop(failed('crash', excerpt((error as Error).message))),
    );
    return running;
  }

  /** Everybody who waits gets the same; the process is ended, and the next event starts another. */
  function fail(running: Running, ran: Ran): void {
    const left = [...running.waiting.values()];
    running.waiting.clear();
    for (const one of left) one.settle(ran);
    if (running.over) return;
    running.over = true;
    current = undefined;
    void running.owned.end().catch(() => undefined); // its rejection is seen by `ended`
  }

  async function ask(delivery: Delivery): Promise<Ran> {
    let running: Running;
    try {
      current ??= start(delivery.env);
      running = await current;
    } catch (error) {
      current = undefined;
      return startFailure(error);
    }
    const { owned, waiting } = running;
    const id = (count += 1);
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => fail(running, timedOut(delivery.timeoutMs)),
        delivery.timeoutMs,
      );
      const abort = (): void => {
        // Others may still get their answer; this one's comes too late and is dropped.
        waiting.delete(id);
        settle(failed('cancelled', 'it was cancelled'));
      };
      const settle = (ran: Ran): void => {
        clearTimeout(timer);
        delivery.signal?.removeEventListener('abort', abort);
        resolve(ran);
      };
      waiting.set(id, { delivery, settle });
      delivery.signal?.addEventListener('abort', abort, { once: true });
      if (delivery.signal?.aborted === true) abort();
      if (running.over) {
        waiting.delete(id);
        settle(failed('crash', 'it ended before it could be asked'));
        return;
      }
      void owned.write(
        `{"id":${id},"event":${JSON.stringify(delivery.event)},"payload":${delivery.payload}}\n`,
      );
    });
  }

  return {
    ask,
    async close() {
      const running = await current?.catch(() => undefined);
      if (running === undefined) return;
      fail(running, failed('cancelled', 'the engine was closed'));
      await running.owned.ended.catch(() => undefined);
    },
  };
}

function answered(line: string, waiting: Map<number, Waiting>, stop: (ran: Ran) => void): void {
  let value;
  try {
    value = parseJson(line);
  } catch {
    stop(failed('invalid', `it printed a line that is no JSON: ${excerpt(line, 80)}`));
    return;
  }
  const id = isJsonObject(value) ? own(value, 'id') : undefined;
  if (!isJsonObject(value) || typeof id !== 'number') {
    stop(failed('invalid', `it printed a line without the id of an event: ${excerpt(line, 80)}`));
    return;
  }
  const one = waiting.get(id);
  // Asked for and given up since: nobody waits for it any more.
  if (one === undefined) return;
  waiting.delete(id);
  one.settle(readValue(value, one.delivery.event, one.delivery.facts));
}
