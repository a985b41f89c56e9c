import type { ProcessOwner } from './process-owner.js';

export interface ForwardOptions {
  /** Default: INT (Ctrl-C), TERM and HUP (the terminal was closed). */
  readonly signals?: readonly NodeJS.Signals[];
  /** Called after a signal was passed on: the place to `close()` the owner, and to exit. */
  onSignal?(signal: NodeJS.Signals): void;
}

/**
 * Passes signals that this process receives on to everything that an owner started. What it starts is in
 * sessions of its own, where a terminal's Ctrl-C does not reach it. As with any handler of Node's, a signal
 * that is passed on no longer ends this process: `onSignal` decides that. Returns what ends the forwarding.
 *
 * ```ts
 * forwardSignals(owner, { onSignal: () => void owner.close().then(() => process.exit(130)) });
 * ```
 */
export function forwardSignals(
  owner: Pick<ProcessOwner, 'signal'>,
  options: ForwardOptions = {},
): () => void {
  const { signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] } = options;
  const forward = (signal: NodeJS.Signals): void => {
    owner.signal(signal);
    options.onSignal?.(signal);
  };
  for (const signal of signals) process.on(signal, forward);
  return () => {
    for (const signal of signals) process.off(signal, forward);
  };
}
