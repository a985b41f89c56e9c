import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { nodeFileSystem, readAll, type FileSystem } from '../src/index.js';
import { bytesFileSystem } from './bytes-file-system.js';

/** What happened to a disk, in order. A file is a number that is never used again. */
type Happening =
  | { readonly kind: 'write'; readonly file: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly file: number; readonly length: number }
  | { readonly kind: 'create'; readonly path: string; readonly file: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly file: number }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'sync.begun'; readonly sync: number; readonly file: number }
  | { readonly kind: 'sync.ended'; readonly sync: number; readonly file: number }
  | { readonly kind: 'directory.begun'; readonly sync: number }
  | { readonly kind: 'directory.ended'; readonly sync: number }
  | { readonly kind: 'acknowledged'; readonly id: number };

export interface PowerLog {
  readonly fileSystem: FileSystem;
  /** Notes that a record counts as safe from now on. */
  acknowledge(id: number): void;
  /** The syncs that were called, in order: `fdatasync a.jsonl`, `fsyncDirectory`. */
  readonly syncs: readonly string[];
  /** Gives how many acknowledged records are missing after a power loss, over all moments and images. */
  countLost(): Promise<{ images: number; moments: number; lost: number }>;
}

export interface PowerOptions {
  /** The sync with this index does nothing, and says that it did. */
  readonly without?: number | undefined;
  /** Syncs with this index never return: whoever called it is stopped for good. */
  readonly stuckAt?: number;
  /** A file that is there already, but of which nothing, not even its name, was synced. */
  readonly unsynced?: { readonly path: string; readonly content: string };
}

type AnyCall = (...given: readonly unknown[]) => unknown;

/** The real file system, with a log of what a disk would be told. One directory is watched. */
export function logPower(options: PowerOptions = {}): PowerLog {
  const happenings: Happening[] = [];
  const syncs: string[] = [];
  const names = new Map<string, number>();
  const open = new Map<number, { file: number; path: string }>();
  let files = 0;

  function create(path: string): number {
    files += 1;
    names.set(path, files);
    happenings.push({ kind: 'create', path, file: files });
    return files;
  }
  if (options.unsynced !== undefined) {
    const { path, content } = options.unsynced;
    happenings.push({ kind: 'write', file: create(path), bytes: Buffer.from(content) });
  }
  const fileOf = (handle: unknown): number => open.get(handle as number)?.file ?? 0;

  /** What a call that has returned did to the disk. */
  function note(call: string, given: readonly unknown[], result: unknown): void {
    if (call === 'open') {
      const [path, intent] = given as [string, string];
      const file = intent === 'create' ? create(path) : (names.get(path) ?? 0);
      open.set(result as number, { file, path });
    } else if (call === 'write') {
      const [handle, bytes, start] = given as [number, Uint8Array, number];
      const taken = Buffer.from(bytes.subarray(start, start + (result as number)));
      happenings.push({ kind: 'write', file: fileOf(handle), bytes: taken });
    } else if (call === 'truncate') {
      const [handle, length] = given as [number, number];
      happenings.push({ kind: 'truncate', file: fileOf(handle), length });
    } else if (call === 'rename') {
      const [from, to] = given as [string, string];
      const file = names.get(from) ?? 0;
      names.delete(from);
      names.set(to, file);
      happenings.push({ kind: 'rename', from, to, file });
    } else if (call === 'remove') {
      const [path] = given as [string];
      names.delete(path);
      happenings.push({ kind: 'remove', path });
    }
  }

  function beginSync(call: string, given: readonly unknown[]): number {
    const path = open.get(given[0] as number)?.path ?? '';
    syncs.push(call === 'fdatasync' ? `fdatasync ${basename(path)}` : call);
    const sync = syncs.length - 1;
    if (sync === options.without) return sync;
    if (call === 'fdatasync') happenings.push({ kind: 'sync.begun', sync, file: fileOf(given[0]) });
    else happenings.push({ kind: 'directory.begun', sync });
    return sync;
  }
  function endSync(sync: number, call: string, given: readonly unknown[]): void {
    if (sync === options.without) return;
    if (call === 'fdatasync') happenings.push({ kind: 'sync.ended', sync, file: fileOf(given[0]) });
    else happenings.push({ kind: 'directory.ended', sync });
  }
  const isSync = (call: string): boolean => call === 'fdatasync' || call === 'fsyncDirectory';

  const calls = (Object.keys(nodeFileSystem) as (keyof FileSystem)[]).map((name) => {
    const real: AnyCall = (...given) => (nodeFileSystem[name] as AnyCall)(...given);
    if (name === 'tryLock' || name === 'unlock') return [name, real] as const;
    if (name.endsWith('Sync')) {
      const call = name.slice(0, -'Sync'.length);
      const inPlace: AnyCall = (...given) => {
        const sync = isSync(call) ? beginSync(call, given) : -1;
        const result = real(...given);
        if (isSync(call)) endSync(sync, call, given);
        else note(call, given, result);
        return result;
      };
      return [name, inPlace] as const;
    }
    const waited = async (...given: readonly unknown[]): Promise<unknown> => {
      const sync = isSync(name) ? beginSync(name, given) : -1;
      if (sync >= 0 && sync === options.stuckAt) return new Promise(() => undefined);
      const result = await real(...given);
      if (isSync(name)) endSync(sync, name, given);
      else note(name, given, result);
      return result;
    };
    return [name, waited] as const;
  });

  return {
    fileSystem: Object.fromEntries(calls) as unknown as FileSystem,
    acknowledge: (id) => happenings.push({ kind: 'acknowledged', id }),
    syncs,
    countLost: () => countLost(happenings),
  };
}

/** What is certain of a file, and what may be. */
interface DiskFile {
  durable: Buffer;
  current: Buffer;
}
type Names = ReadonlyMap<string, number>;
type NameChange = Extract<Happening, { kind: 'create' | 'rename' | 'remove' }>;

function changeName(names: Map<string, number>, change: NameChange): void {
  if (change.kind === 'create') names.set(change.path, change.file);
  else if (change.kind === 'remove') names.delete(change.path);
  else {
    if (names.get(change.from) === change.file) names.delete(change.from);
    names.set(change.to, change.file);
  }
}

/** Nothing promises an order of name changes that were not synced: any of them may have happened. */
function* eachNames(durable: Names, changes: readonly NameChange[]): Generator<Names> {
  for (let chosen = 0; chosen < 2 ** changes.length; chosen += 1) {
    const names = new Map(durable);
    changes.forEach((change, index) => {
      if ((chosen >> index) % 2 === 1) changeName(names, change);
    });
    yield names;
  }
}

/** What may be left of a file: nothing unsynced, all of it, a part, or the length without the bytes. */
function eachContent({ durable, current }: DiskFile): Buffer[] {
  if (current.equals(durable)) return [durable];
  const more = current.subarray(Math.min(durable.length, current.length));
  return [
    durable,
    current,
    Buffer.concat([durable, more.subarray(0, more.length >> 1)]),
    Buffer.concat([durable, Buffer.alloc(more.length)]),
  ];
}

const known = new Map<string, Promise<ReadonlySet<number>>>();

async function readIds(path: string, content: Buffer): Promise<ReadonlySet<number>> {
  let bytes = content;
  try {
    if (path.endsWith('.gz')) bytes = gunzipSync(content);
  } catch {
    return new Set();
  }
  const { records } = await readAll<{ id: number }>('memory', {
    fileSystem: bytesFileSystem(bytes),
  });
  return new Set(records.map(({ id }) => id));
}

function idsIn(path: string, content: Buffer): Promise<ReadonlySet<number>> {
  const key = `${path.endsWith('.gz')}${content.toString('latin1')}`;
  let ids = known.get(key);
  if (ids === undefined) known.set(key, (ids = readIds(path, content)));
  return ids;
}

async function countLost(
  happenings: readonly Happening[],
): Promise<{ images: number; moments: number; lost: number }> {
  known.clear();
  const files = new Map<number, DiskFile>();
  const acknowledged = new Set<number>();
  const beingSynced = new Map<number, Buffer>();
  const beingNamed = new Map<number, number>();
  let durableNames: Names = new Map();
  let changes: NameChange[] = [];
  let changesGone = 0;
  let images = 0;
  let lost = 0;
  const fileOf = (file: number): DiskFile => {
    const found = files.get(file) ?? { durable: Buffer.alloc(0), current: Buffer.alloc(0) };
    files.set(file, found);
    return found;
  };

  for (const happening of happenings) {
    switch (happening.kind) {
      case 'write': {
        const file = fileOf(happening.file);
        file.current = Buffer.concat([file.current, happening.bytes]);
        break;
      }
      case 'truncate': {
        const file = fileOf(happening.file);
        file.current = file.current.subarray(0, happening.length);
        break;
      }
      case 'sync.begun':
        beingSynced.set(happening.sync, fileOf(happening.file).current);
        break;
      case 'sync.ended':
        fileOf(happening.file).durable = beingSynced.get(happening.sync) ?? Buffer.alloc(0);
        break;
      case 'directory.begun':
        beingNamed.set(happening.sync, changesGone + changes.length);
        break;
      case 'directory.ended': {
        const covered = (beingNamed.get(happening.sync) ?? 0) - changesGone;
        const names = new Map(durableNames);
        for (const change of changes.slice(0, Math.max(0, covered))) changeName(names, change);
        durableNames = names;
        changes = changes.slice(Math.max(0, covered));
        changesGone += Math.max(0, covered);
        break;
      }
      case 'acknowledged':
        acknowledged.add(happening.id);
        break;
      default:
        changes.push(happening);
    }
    for (const names of eachNames(durableNames, changes)) {
      for (let variant = 0; variant < 4; variant += 1) {
        images += 1;
        const found = new Set<number>();
        for (const [path, file] of names) {
          if (path.endsWith('.partial')) continue;
          const contents = eachContent(fileOf(file));
          const content = contents[variant % contents.length] ?? Buffer.alloc(0);
          for (const id of await idsIn(path, content)) found.add(id);
        }
        for (const id of acknowledged) if (!found.has(id)) lost += 1;
      }
    }
  }
  return { images, moments: happenings.length, lost };
}
