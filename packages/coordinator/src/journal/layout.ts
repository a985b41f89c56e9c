import path from 'node:path';

/** Where everything of a run lies: `.orch/runs/<run>/…` at the main worktree. */
export interface RunLayout {
  readonly run: string;
  readonly directory: string;
  readonly plan: string;
  readonly journal: string;
  readonly inbox: string;
  readonly sessions: string;
  readonly receipts: string;
  readonly output: string;
  segment(epoch: number): string;
  session(task: string, attempt: number): string;
}

/** The paths of one run under `<root>/.orch`. */
export function runLayout(orchDirectory: string, run: string): RunLayout {
  const directory = path.join(orchDirectory, 'runs', run);
  const journal = path.join(directory, 'journal');
  const sessions = path.join(directory, 'sessions');
  return {
    run,
    directory,
    plan: path.join(directory, 'plan.json'),
    journal,
    inbox: path.join(directory, 'inbox.jsonl'),
    sessions,
    receipts: path.join(directory, 'receipts'),
    output: path.join(directory, 'output'),
    segment: (epoch) => path.join(journal, `${epoch}.jsonl`),
    session: (task, attempt) => path.join(sessions, `${task}.${attempt}.jsonl`),
  };
}
