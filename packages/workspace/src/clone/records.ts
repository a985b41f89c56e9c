import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { QuotedPath } from '../git/quoted-path.js';
import type { PlaceKind } from '../layout.js';
import type { Repository } from '../repository/open.js';

/** A version of a hidden file that an agent made: taken out of its sight, and put back into its result. */
export interface Parked {
  readonly path: QuotedPath;
  readonly mode: string;
  readonly id: string;
}

/** What we know about a workspace, kept outside of it. */
export interface Records {
  /** Only a `ready` workspace may hold work: the others are ours alone, half made or half removed. */
  readonly state: 'making' | 'ready' | 'removing';
  readonly base: string;
  /** Tracked files that are kept out of the agent's sight. */
  readonly hidden: readonly QuotedPath[];
  readonly parked: readonly Parked[];
  /** Files copied from the user's worktree, never part of a result. */
  readonly copied: readonly string[];
}

export interface Place {
  /** The directory of the agent or gate. */
  readonly directory: string;
  /** Our own directory about it. */
  readonly records: string;
  /** Our index of the directory. Its stat data make a later look quick. */
  readonly index: string;
}

export function placeOf(
  repository: Repository,
  run: string,
  name: string,
  kind: PlaceKind = 'workspaces',
): Place {
  const records = repository.layout.records(kind, run, name);
  return {
    directory: repository.layout.directory(kind, run, name),
    records,
    index: join(records, 'index'),
  };
}

export function readRecords(place: Place): Records | undefined {
  try {
    return JSON.parse(readFileSync(join(place.records, 'records.json'), 'utf8')) as Records;
  } catch {
    return undefined;
  }
}

export function writeRecords(place: Place, records: Records): void {
  mkdirSync(place.records, { recursive: true, mode: 0o700 });
  const file = join(place.records, 'records.json');
  writeFileSync(`${file}.new`, JSON.stringify(records));
  renameSync(`${file}.new`, file);
}

/** A gitignore pattern that means exactly this path. */
export function exactPattern(path: string): string {
  return `/${path.replaceAll(/[\\*?[\]]/g, '\\$&').replace(/ $/, '\\ ')}`;
}
