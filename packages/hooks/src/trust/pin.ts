import { createHash } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { HooksError } from '../hooks-error.js';
import type { HookSpec } from '../table/hook-spec.js';
import { agentCanWrite } from './agent-writable.js';

/** What is looked at to pin a hook. */
export interface PinPlace {
  /** Relative paths start here; the main worktree of the project. */
  readonly project: string;
  /** Directories that agents can write to; absolute and resolved. */
  readonly agentRoots: readonly string[];
  /** Where programs are looked for: a `PATH`. */
  readonly path: string;
}

/** A file whose bytes are pinned: the copy of them runs in its place. */
export interface PinnedFile {
  /** Which part of `argv`; 0 is the program. */
  readonly argument: number;
  /** What stands before the path in that argument (`--config=`). */
  readonly prefix: string;
  /** Absolute; where the bytes were read. */
  readonly source: string;
  readonly sha256: string;
  readonly executable: boolean;
}

/** What runs for a spec, with everything that could change after a look at it taken out. */
export interface Pinned {
  /** The program is absolute; arguments that are pinned files still name their source. */
  readonly argv: readonly [string, ...string[]];
  readonly files: readonly PinnedFile[];
  /** The bytes of `files`, read once. */
  readonly bytes: ReadonlyMap<string, Buffer>;
}

const mostBytes = 16 * 1024 * 1024;

/** The programs and paths of a spec as an argument vector; empty for what runs no program of its own. */
export function argvOf(spec: HookSpec): readonly string[] {
  switch (spec.kind) {
    case 'command':
    case 'warm':
      return spec.argv;
    case 'shell':
      return ['/bin/sh', '-c', spec.line];
    case 'function':
      return [spec.module];
    default:
      return [];
  }
}

/**
 * Resolves what a spec runs. Files that agents can write are read and pinned by their bytes, so that a copy
 * can run in their place. Throws `ORCH_HOOKS_UNPINNABLE` for what no copy can stand in for.
 */
export function pin(spec: HookSpec, place: PinPlace): Pinned {
  const written = argvOf(spec);
  if (spec.kind === 'function') return pinParts(written, place, []);
  if (spec.kind === 'shell') {
    requireNoMention(spec.line, place, 2);
    return { argv: written as [string, ...string[]], files: [], bytes: new Map() };
  }
  const [name, ...rest] = written.map((part) =>
    part.replaceAll('${CLAUDE_PROJECT_DIR}', place.project),
  );
  if (name === undefined) return { argv: [''], files: [], bytes: new Map() };
  return name.includes('/')
    ? pinParts([name, ...rest], place, [])
    : pinParts([findProgram(name, place), ...rest], place, [0]);
}

/** `trusted`: parts that were found to be out of agents' reach already. */
function pinParts(argv: readonly string[], place: PinPlace, trusted: readonly number[]): Pinned {
  const bytes = new Map<string, Buffer>();
  const files: PinnedFile[] = [];
  const parts = argv.map((part, argument) => {
    if (trusted.includes(argument)) return part;
    for (const [prefix, candidate] of pathsIn(part, argument)) {
      const looked = look(candidate, place, argument);
      if (looked === undefined) continue;
      if ('outside' in looked) return prefix + looked.outside;
      const { source, content, executable } = looked;
      const sha256 = createHash('sha256').update(content).digest('hex');
      bytes.set(source, content);
      files.push({ argument, prefix, source, sha256, executable });
      return prefix + source;
    }
    requireNoMention(part, place, argument);
    return part;
  });
  return { argv: parts as [string, ...string[]], files, bytes };
}

/** Code in an argument can name a place as well, and no copy stands in for that. */
function requireNoMention(part: string, { agentRoots }: PinPlace, argument: number): void {
  const mentioned = [...agentRoots, 'CLAUDE_PROJECT_DIR'].find((text) => part.includes(text));
  if (mentioned !== undefined) refuse(part, argument, `it names ${mentioned}, where agents write`);
}

/** An argument as a whole, after a `=`, or behind a short flag may be a path: all are looked at. */
function pathsIn(part: string, argument: number): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [['', part]];
  if (argument === 0) return found;
  const equals = part.indexOf('=');
  if (equals > 0) found.push([part.slice(0, equals + 1), part.slice(equals + 1)]);
  if (/^-[A-Za-z][^-=]/.test(part)) found.push([part.slice(0, 2), part.slice(2)]);
  return found;
}

type Looked =
  | { readonly outside: string }
  | { readonly source: string; readonly content: Buffer; readonly executable: boolean };

/** Undefined: it is no path. Reads what agents could change; what is out of their reach stays where it is. */
function look(candidate: string, place: PinPlace, argument: number): Looked | undefined {
  if (candidate === '' || candidate.includes('\0')) return undefined;
  const full = path.resolve(place.project, candidate);
  const exists = isThere(full);
  if (!exists) {
    // A relative path that is not there now will not be looked for in the project later either.
    const danger = path.isAbsolute(candidate) ? agentCanWrite(full, place.agentRoots) : undefined;
    if (argument > 0 && danger === undefined) return undefined;
    refuse(
      candidate,
      argument,
      `there is no such file${danger === undefined ? '' : ` yet, and ${danger}`}`,
    );
  }
  // An address or a bare word that happens to exist as a directory is still something an agent can fill.
  const real = realpathSync(full);
  const danger = agentCanWrite(full, place.agentRoots) ?? agentCanWrite(real, place.agentRoots);
  if (danger === undefined) return { outside: argument === 0 ? real : full };
  if (statSync(real).isDirectory())
    refuse(candidate, argument, `it is a directory, whose files cannot be pinned, and ${danger}`);
  return readPinned(candidate, real, argument);
}

/** Code is no path: what is too long for one, or leads through a file, is not there. */
function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function readPinned(candidate: string, real: string, argument: number): Looked {
  // O_NOFOLLOW and one descriptor: what is looked at is what is read.
  const file = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) refuse(candidate, argument, 'it is no regular file');
    if (stats.size > mostBytes) refuse(candidate, argument, `it has more than ${mostBytes} bytes`);
    const content = readFileSync(file);
    requireNoWritableInterpreter(candidate, content, argument);
    return { source: real, content, executable: (stats.mode & 0o111) !== 0 };
  } finally {
    closeSync(file);
  }
}

/** A first line `#!./tool` would run what is at that place, not what was looked at. */
function requireNoWritableInterpreter(candidate: string, content: Buffer, argument: number): void {
  if (argument !== 0 || content.subarray(0, 2).toString('latin1') !== '#!') return;
  const [interpreter = ''] = content
    .subarray(2, 256)
    .toString('utf8')
    .trim()
    .split(/[\s\n]/);
  if (!path.isAbsolute(interpreter))
    refuse(candidate, argument, `its interpreter ${interpreter} is no absolute path`);
}

/** A program by its name. Places that agents can write are passed over, and said if it is found there only. */
function findProgram(name: string, place: PinPlace): string {
  let seen: string | undefined;
  for (const directory of place.path.split(path.delimiter)) {
    const file = path.join(directory, name);
    if (!path.isAbsolute(directory) || !isProgram(file)) continue;
    const danger =
      agentCanWrite(file, place.agentRoots) ?? agentCanWrite(realpathSync(file), place.agentRoots);
    if (danger === undefined) return file;
    seen ??= danger;
  }
  return refuse(name, 0, seen ?? `there is no ${name} in PATH (${place.path})`);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function refuse(candidate: string, argument: number, why: string): never {
  throw new HooksError(
    'ORCH_HOOKS_UNPINNABLE',
    `${JSON.stringify(candidate.slice(0, 200))} cannot be pinned: ${why}. Name a single file, or a program that agents cannot write.`,
    { details: { argument, candidate } },
  );
}

/** The part of a PATH that agents cannot write: absolute directories outside their reach. */
export function safePath(given: string, agentRoots: readonly string[]): string {
  const parts = given.split(path.delimiter).filter((directory) => {
    if (!path.isAbsolute(directory)) return false;
    try {
      return (
        agentCanWrite(directory, agentRoots) === undefined &&
        agentCanWrite(realpathSync(directory), agentRoots) === undefined
      );
    } catch {
      // What does not exist may be made by anybody who can write above it, which was looked at.
      return agentCanWrite(directory, agentRoots) === undefined;
    }
  });
  return [...new Set(parts)].join(path.delimiter);
}
