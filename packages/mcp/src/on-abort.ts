import { McpError } from './mcp-error.js';

interface Listening {
  readonly reactions: Set<() => void>;
  readonly listener: () => void;
}

const listening = new WeakMap<AbortSignal, Listening>();

/**
 * Calls `react` when the signal is aborted. However many calls hang on one signal, it has one listener:
 * above ten, Node warns of a leak. Returns what takes it back.
 */
export function onAbort(signal: AbortSignal, react: () => void): () => void {
  let known = listening.get(signal);
  if (known === undefined) {
    const reactions = new Set<() => void>();
    const listener = (): void => {
      for (const one of [...reactions]) one();
    };
    known = { reactions, listener };
    listening.set(signal, known);
    signal.addEventListener('abort', listener, { once: true });
  }
  const { reactions, listener } = known;
  reactions.add(react);
  return () => {
    reactions.delete(react);
    if (reactions.size > 0 || listening.get(signal)?.reactions !== reactions) return;
    listening.delete(signal);
    signal.removeEventListener('abort', listener);
  };
}

/** What others wait for too: an aborted signal ends the waiting (`ORCH_MCP_CANCELLED`), not the work. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(
        new McpError('ORCH_MCP_CANCELLED', `${what} was cancelled by its caller.`, {
          cause: signal.reason,
        }),
      );
    };
    if (signal.aborted) abort();
    const letGo = onAbort(signal, abort);
    work.then(resolve, reject).finally(letGo);
  });
}
