import * as fs from 'node:fs/promises';
import { JsonlError } from '../errors.js';
import { nodeFileSystem } from '../file-system.js';
import { detectCompression } from '../read/byte-source.js';
import type { Fault, FaultKind } from '../read/fault.js';
import { readRange } from '../read/from-end.js';
import { openForReading } from '../read/open-for-reading.js';
import { createNewFile, type NewFile } from './new-file.js';
import { verifyWith, type Verification } from './verify.js';

export interface RepairOptions {
  /** The file that is made. It must not exist. */
  readonly to: string;
  /** The file that takes the bytes that are in no record. @default `to` + '.quarantine.jsonl' */
  readonly quarantine?: string;
  /** Longer lines go to the quarantine. @default 67108864 */
  readonly maxLineBytes?: number;
  /** Ends it before the new files have their names: what was written is removed. */
  readonly signal?: AbortSignal;
}

/** What was done. */
export interface Repair extends Verification {
  readonly to: string;
  /** `undefined` when nothing had to be set aside: then there is no such file. */
  readonly quarantine: string | undefined;
}

/** Nothing of these is lost by leaving them out: they are not part of any record. */
const dropped: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'byte_order_mark',
  'crlf',
  'multi_record',
  'multi_line',
]);

/** A longer stretch is set aside in several records. A multiple of 3, so that base64 texts can be joined. */
const partBytes = 3 * 256 * 1024;
/** Stretches of damage that lie near each other are read together. */
const windowBytes = 256 * 1024;

/**
 * Writes every whole record of a damaged file to a new file, one on a line with its text unchanged
 * (mended where its characters had to be), and everything else to a quarantine file:
 * `{ kind, line, byteStart, byteEnd, base64 }` for each stretch of bytes, so that nothing is lost.
 * The damaged file is only read. Each new file appears under its name whole, or not at all.
 *
 * @throws RangeError for `maxLineBytes`; the reason of `signal`, when it aborts.
 * @throws JsonlError `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_OPEN_FAILED`, `ORCH_JSONL_READ_FAILED`,
 * `ORCH_JSONL_EXISTS`, `ORCH_JSONL_DISK_FULL`, `ORCH_JSONL_WRITE_FAILED`, and
 * `ORCH_JSONL_UNSUPPORTED` for a compressed file
 */
export async function repair(path: string, options: RepairOptions): Promise<Repair> {
  const { to, quarantine: quarantinePath = `${to}.quarantine.jsonl`, maxLineBytes } = options;
  const { signal } = options;
  const file = await openForReading(nodeFileSystem, path);
  const opened: NewFile[] = [];
  try {
    const compression = detectCompression(await readRange(nodeFileSystem, file, path, 0, 4));
    if (compression !== 'none') {
      throw new JsonlError(
        'ORCH_JSONL_UNSUPPORTED',
        `Cannot repair ${path}: it is compressed with ${compression}; unpack it first`,
        { path, compression },
      );
    }
    const { mode } = await fs.stat(path);
    const repaired = await createNewFile(to, mode & 0o777);
    opened.push(repaired);
    const quarantined = await createNewFile(quarantinePath, mode & 0o777);
    opened.push(quarantined);

    let window: { start: number; bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };
    const bytesOf = async (start: number, end: number): Promise<Buffer> => {
      if (start < window.start || end > window.start + window.bytes.length) {
        const to = Math.max(end, start + windowBytes);
        window = { start, bytes: await readRange(nodeFileSystem, file, path, start, to) };
      }
      return window.bytes.subarray(start - window.start, end - window.start);
    };
    let found: Fault[] = [];
    const aside = { parts: 0 };
    const setAside = async (): Promise<void> => {
      const faults = found;
      found = [];
      for (const { kind, line, byteStart, byteEnd } of faults) {
        for (let start = byteStart; start < byteEnd; start += partBytes) {
          const end = Math.min(byteEnd, start + partBytes);
          const bytes = await bytesOf(start, end);
          const part = { kind, line, byteStart: start, byteEnd: end };
          await quarantined.write(
            `${JSON.stringify({ ...part, base64: bytes.toString('base64') })}\n`,
          );
          aside.parts += 1;
        }
      }
    };
    const verification = await verifyWith(
      path,
      {
        compression: 'none',
        ...(maxLineBytes === undefined ? {} : { maxLineBytes }),
        onFault: (fault) => {
          if (!dropped.has(fault.kind)) found.push(fault);
        },
      },
      (_value, _byteStart, _byteEnd, _line, text = '') => text,
      async (texts) => {
        signal?.throwIfAborted();
        for (const text of texts) await repaired.write(`${text.trim()}\n`);
        await setAside();
      },
    );
    await setAside();
    // First what is set aside: a repaired file without it would look complete.
    if (aside.parts > 0) await quarantined.publish();
    try {
      await repaired.publish();
    } catch (error) {
      if (aside.parts > 0) await fs.rm(quarantinePath, { force: true });
      throw error;
    }
    return { ...verification, to, quarantine: aside.parts > 0 ? quarantinePath : undefined };
  } finally {
    for (const made of opened) await made.discard();
    await nodeFileSystem.close(file);
  }
}
