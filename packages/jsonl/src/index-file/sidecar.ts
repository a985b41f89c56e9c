import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import type { FileSystem } from '../file-system.js';
import { readRange } from '../read/from-end.js';
import { stride, type Offsets } from './scan-offsets.js';

/** So much of the beginning and of the end of what was indexed is compared. */
const probeBytes = 4096;
const version = 1;

interface Sidecar {
  readonly v: number;
  readonly stride: number;
  readonly lines: number;
  readonly settled: number;
  readonly probe: string;
  readonly starts: number[];
}

/** Tells by its first and last bytes whether a file still begins with what was indexed. */
async function probe(
  fileSystem: FileSystem,
  file: number,
  path: string,
  settled: number,
): Promise<string> {
  const head = await readRange(fileSystem, file, path, 0, Math.min(probeBytes, settled));
  const from = Math.max(0, settled - probeBytes);
  const tail = await readRange(fileSystem, file, path, from, settled);
  return createHash('sha256').update(head).update(tail).digest('hex');
}

function isOffsets(value: unknown, bytes: number): value is Sidecar {
  if (typeof value !== 'object' || value === null) return false;
  const { v, stride: step, lines, settled, probe: hash, starts } = value as Partial<Sidecar>;
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
    if ((await probe(fileSystem, file, path, settled)) !== found.probe) return undefined;
    return { starts, lines, settled };
  } catch {
    return undefined;
  }
}

/** Writes a sidecar, which is replaced as a whole. */
export async function saveSidecar(
  fileSystem: FileSystem,
  file: number,
  path: string,
  sidecar: string,
  { lines, settled, starts }: Offsets,
): Promise<void> {
  const hash = await probe(fileSystem, file, path, settled);
  const content: Sidecar = { v: version, stride, lines, settled, probe: hash, starts };
  const temporary = `${sidecar}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await fs.writeFile(temporary, `${JSON.stringify(content)}\n`, { mode: 0o600 });
    await fs.rename(temporary, sidecar);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}
