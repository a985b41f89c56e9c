import { messageOf } from './errors.js';
import type { Json } from './json.js';
import type { RequestLog } from './request-log.js';

/** What other processes may ask of the model, and what it may be told. */
export interface ControlTarget {
  readonly log: RequestLog;
  readonly setScenarios: (value: Json) => void;
  readonly reset: () => void;
}

/** Answers a request whose path begins with `/__`. */
export function answerControl(
  method: string,
  path: string,
  body: string,
  { log, setScenarios, reset }: ControlTarget,
): { status: number; value: unknown } {
  const ok = { status: 200, value: { ok: true } };
  switch (`${method} ${path}`) {
    case 'GET /__requests':
      return { status: 200, value: log.requests };
    case 'GET /__others':
      return { status: 200, value: log.others };
    case 'GET /__open':
      return { status: 200, value: log.listOpen() };
    case 'POST /__scenarios':
      try {
        setScenarios(JSON.parse(body) as Json);
        return ok;
      } catch (error) {
        return { status: 400, value: { error: messageOf(error) } };
      }
    case 'POST /__reset':
      reset();
      return ok;
    default: {
      const known =
        'GET /__requests, GET /__open, GET /__others, POST /__scenarios or POST /__reset';
      return { status: 404, value: { error: `${method} ${path}: expected ${known}` } };
    }
  }
}
