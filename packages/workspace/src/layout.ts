import { join } from 'node:path';

export type PlaceKind = 'workspaces' | 'checkouts';

/** Where things lie in the user's state directory. Agents see their `directory` only. */
export interface Layout {
  readonly home: string;
  readonly hub: string;
  /** A new temporary directory is made in here. */
  readonly scratch: string;
  readonly deliveries: string;
  /** The directory in which an agent (`workspaces`) or a gate (`checkouts`) works. */
  directory(kind: PlaceKind, run: string, name: string): string;
  /** What we know about it: index and state. */
  records(kind: PlaceKind, run: string, name: string): string;
  /** Where a directory goes whose content could not be saved into a ref. */
  kept(run: string, name: string, number: number): string;
}

export function layoutOf(stateDirectory: string, key: string): Layout {
  const git = join(stateDirectory, 'git', key);
  return {
    home: join(stateDirectory, 'git', 'home'),
    hub: join(git, 'hub'),
    scratch: join(git, 'scratch'),
    deliveries: join(git, 'deliveries'),
    directory: (kind, run, name) => join(stateDirectory, kind, key, run, name),
    records: (kind, run, name) => join(git, 'records', kind, run, name),
    kept: (run, name, number) => join(stateDirectory, 'kept', key, run, `${name}.${number}`),
  };
}

/** Names of our refs in the user's repository. */
export const refs = {
  result: (run: string, task: string, attempt: number): string =>
    `refs/orch/runs/${run}/${task}/${attempt}`,
  results: (run: string, task: string): string => `refs/orch/runs/${run}/${task}/`,
  rescue: (run: string, task: string, number: number): string =>
    `refs/orch/rescue/${run}/${task}/${number}`,
  rescues: (run: string, task: string): string => `refs/orch/rescue/${run}/${task}/`,
  /** Keeps the base of a workspace from being pruned while the workspace leans on it. */
  base: (run: string, task: string): string => `refs/orch/bases/${run}/${task}`,
  integration: (run: string): string => `refs/orch/integration/${run}`,
};
