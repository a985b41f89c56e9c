import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { resolve } from 'node:path';
import { nodeFileSystem, type FileSystem } from '../file-system.js';
import { readRange } from '../read/from-end.js';
import { stride, type Offsets } from './scan-offsets.js';

/** So much of the beginning and of the end of what was indexed is compared. */
const probeBytes = 4096;
/** Since 2, `hash` is of everything that a sidecar knows; before, it was of the file alone. */
const version = 2;

interface Sidecar {
  readonly v: number;
  readonly stride: number;
  readonly lines: number;
  readonly settled: number;
  readonly hash: string;
  readonly starts: number[];
}

/**
 * A hash of what is known and of the first and last bytes of it in the file: it tells whether the
 * sidecar is as it was written, and whether the file still begins with what was indexed.
 */
async function hashOf(
  fileSystem: FileSystem,
  file: number,
  path: string,
  { lines, settled, starts }: Readonly<Offsets>,
): Promise<string> {
  const head = await readRange(fileSystem, file, path, 0, Math.min(probeBytes, settled));
  const from = Math.max(0, settled - probeBytes);
  const tail = await readRange(fileSystem, file, path, from, settled);
  const known = JSON.stringify([version, stride, lines, settled, starts]);
  return createHash('sha256').update(known).update(head).update(tail).digest('hex');
}

function isOffsets(value: unknown, bytes: number): value is Sidecar {
  if (typeof value !== 'object' || value === null) return false;
  const { v, stride: step, lines, settled, hash, starts } = value as Partial<Sidecar>;
  if (v !== version || step !== stride || typeof hash !== 'string') return false;
  if (!Number.isSafeInteger(lines) || !Number.isSafeInteger(settled)) return false;
  if (!Array.isArray(starts) || lines === undefined || settled === undefined) return false;
  if (settled > bytes || settled < 0 || starts.length !== Math.ceil(lines / stride)) return false;
  let before = -1;
  return starts.every((start: unknown) => {
    const isNext = Number.isSafeInteger(start) && (start as number) > before;
    before = start as number;
    return isNext && before < settled;
  });
}

/** What a sidecar knows, if it fits the file; a sidecar that does not is as good as none. */
export async function loadSidecar(
  fileSystem: FileSystem,
  file: number,
  path: string,
  sidecar: string,
): Promise<Offsets | undefined> {
  try {
    const found: unknown = JSON.parse(await fs.readFile(sidecar, 'utf8'));
    if (!isOffsets(found, await fileSystem.stat(file))) return undefined;
    const { lines, settled, starts } = found;
    if ((await hashOf(fileSystem, file, path, found)) !== found.hash) return undefined;
    return { starts, lines, settled };
  } catch {
    return undefined;
  }
}

/**
 * @throws TypeError when the sidecar is the file itself, under whatever name: writing it would replace
 * what was indexed
 */
export async function checkSidecar(
  fileSystem: FileSystem,
  file: number,
  path: string,
  sidecar: string,
): Promise<void> {
  const other = await nodeFileSystem.identify(sidecar).catch(() => undefined);
  const isSame = other !== undefined && other === (await fileSystem.identify(file));
  if (!isSame && resolve(sidecar) !== resolve(path)) return;
  throw new TypeError(
    `sidecar must be another file than the one that is indexed, received ${JSON.stringify(sidecar)} for ${path}`,
  );
}

/** Removes a sidecar that no longer fits its file. */
export async function removeSidecar(sidecar: string): Promise<void> {
  await fs.rm(sidecar, { force: true });
}

/** Writes a sidecar, which is replaced as a whole. */
export async function saveSidecar(
  fileSystem: FileSystem,
  file: number,
  path: string,
  sidecar: string,
  offsets: Readonly<Offsets>,
): Promise<void> {
  const { lines, settled, starts } = offsets;
  const hash = await hashOf(fileSystem, file, path, offsets);
  const content: Sidecar = { v: version, stride, lines, settled, hash, starts };
  const temporary = `${sidecar}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await fs.writeFile(temporary, `${JSON.stringify(content)}\n`, { mode: 0o600 });
    await fs.rename(temporary, sidecar);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}
