import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  readdirSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * What an agent's git directory says about its commits. The agent owns that directory, so no git of ours
 * ever runs on it: its refs are read here as plain text, and its objects only through a checked fetch.
 */
export interface UntrustedRefs {
  /** Commit that HEAD points to, if it can be told. */
  readonly head: string | undefined;
  /** Everything else that may hold work: branches, tags, stash, other worktrees, and where HEAD has been. */
  readonly others: readonly string[];
  /** False when there was something that could not be read, so that more may be there. */
  readonly complete: boolean;
}

const id = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const mostBytes = 16 * 1024 * 1024;
const mostFiles = 10_000;

/** Reads a regular file, without following a link at its end and without waiting for a pipe. */
function readPlain(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(
      file,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(descriptor);
    if (!fstatSync(descriptor).isFile() || size > mostBytes) return undefined;
    const bytes = Buffer.alloc(size);
    return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, size, 0));
  } finally {
    closeSync(descriptor);
  }
}

function isRealDirectory(path: string): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch {
    return false;
  }
}

function* filesBelow(directory: string): Generator<string> {
  if (!isRealDirectory(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

function readPacked(gitDirectory: string): Map<string, string> {
  const packed = new Map<string, string>();
  for (const line of readPlain(join(gitDirectory, 'packed-refs'))?.split('\n') ?? []) {
    const [value = '', name = ''] = line.split(' ');
    if (id.test(value) && name !== '') packed.set(name, value);
  }
  return packed;
}

function resolveHead(gitDirectory: string, packed: Map<string, string>): string | undefined {
  let name = 'HEAD';
  for (let depth = 0; depth < 5; depth += 1) {
    const text = (readPlain(join(gitDirectory, name)) ?? packed.get(name) ?? '').trim();
    if (id.test(text)) return text;
    const target = /^ref: (refs\/[^\0\n]+)$/.exec(text)?.[1];
    if (target === undefined || target.split('/').includes('..')) return undefined;
    name = target;
  }
  return undefined;
}

/** Reads what an agent's git directory says; never throws for what the agent did to it. */
export function readUntrustedRefs(gitDirectory: string): UntrustedRefs {
  if (!isRealDirectory(gitDirectory)) return { head: undefined, others: [], complete: false };
  const packed = readPacked(gitDirectory);
  const head = resolveHead(gitDirectory, packed);
  const found = new Set<string>(packed.values());
  let complete = head !== undefined && !isRealDirectory(join(gitDirectory, 'reftable'));
  let files = 0;
  const look = (file: string, pick: (text: string) => readonly string[]): void => {
    files += 1;
    const text = files > mostFiles ? undefined : readPlain(file);
    if (text === undefined) complete = false;
    else for (const value of pick(text)) if (id.test(value)) found.add(value);
  };
  try {
    for (const file of filesBelow(join(gitDirectory, 'refs'))) look(file, (text) => [text.trim()]);
    for (const file of filesBelow(join(gitDirectory, 'worktrees'))) {
      if (file.endsWith('/HEAD')) look(file, (text) => [text.trim()]);
    }
    // Each line of the log begins with the values before and after.
    for (const name of ['HEAD', 'refs/stash']) {
      const log = join(gitDirectory, 'logs', name);
      if (readPlain(log) === undefined) continue;
      look(log, (text) => text.split('\n').map((line) => line.split(' ')[1] ?? ''));
    }
  } catch {
    complete = false;
  }
  if (head !== undefined) found.delete(head);
  // What a log says of a ref that was deleted.
  for (const value of found) if (/^0+$/.test(value)) found.delete(value);
  return { head, others: [...found], complete };
}
