/** What a task gets that says nothing else. The README's table repeats these. */
export const TASK_DEFAULTS = {
  timeoutMs: 60 * 60_000,
  /** Longest silence of an agent; a command may be silent until its timeout. */
  idleMs: 15 * 60_000,
  retry: { transient: 5, gate: 2 },
  onFailure: 'block',
  denials: 'fail_if_unverified',
  project: 'memory',
  base: 'needs',
  writesOutside: 'fail',
  itemName: 'item',
  /** A task whose effect is a diff may change files of its workspace; everything else is asked for. */
  allow: ['Edit', 'Write'],
} as const;

export const GATE_TIMEOUT_MS = 10 * 60_000;

export const SETUP_TIMEOUT_MS = 20 * 60_000;

/** A matrix with more items is a mistake. */
export const MAX_MATRIX_ITEMS = 1000;
