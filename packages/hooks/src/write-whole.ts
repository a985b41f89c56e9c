import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';

/** A reader sees the old file or the new one, and never a part. */
export function writeWhole(file: string, content: string | Buffer, mode: number): void {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.new`;
  writeFileSync(temporary, content, { mode, flag: 'wx', flush: true });
  renameSync(temporary, file);
}
