import type { Readable, Writable } from 'node:stream';
import type { ProcessIdentity } from './identity.js';
import type { Recording } from './shim.js';
import type { LookAtExit } from './tree.js';

/** How the started process itself ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly look: LookAtExit;
  /** Whoever could have said how it ended was killed; it may still run. */
  readonly lost?: true;
}

/** A process that was started, whoever its parent is. */
export interface Leader {
  readonly identity: ProcessIdentity;
  /** See `Entry.order`. */
  readonly order: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<Exit>;
  /** Lets this process end although the leader, which could not be ended, has not. */
  letGo(): void;
  /** Of a process that keeps a record. */
  readonly recording?: Recording;
}

/** What to start, with nothing left open. */
export interface LeaderSpec {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole environment, markers included. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: 'closed' | 'pipe';
  /** Token of the tree in `env`. */
  readonly branch: string;
  /** Directory of the cgroup that it joins. */
  readonly cgroup?: string | undefined;
  /** What it needs besides. */
  readonly belongings?: Belongings;
}

/**
 * What is made for a process in the very turn of its start, so that those who wait for their turn take no room for it,
 * and what is dropped when that start has failed.
 */
export interface Belongings {
  /** Throws the system's error where there is no room, after which it is called again later. */
  make(): void;
  drop(): void;
}
