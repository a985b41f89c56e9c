import type { Event, RunState } from '@orch/core/status';

/** What shows a run while it goes on. */
export interface RunView {
  event(event: Event, state: RunState): void;
  /** Something that a task's agent said or did. */
  progress(task: string, text: string): void;
  /** A line of our own, above what is drawn again. */
  say(text: string): void;
  /** Takes away what was only there for now. Calling it again changes nothing. */
  close(): void;
}
