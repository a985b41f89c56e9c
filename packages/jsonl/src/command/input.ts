import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Input } from '../read/byte-source.js';

/**
 * What a FILE of the command line is read as. A pipe, such as the shell makes of `<(command)`, can
 * only be read in order; reading it as a file would be an error.
 */
export async function inputOf(file: string): Promise<Input> {
  if (file === '-') return process.stdin;
  const isPipe = await stat(file).then(
    (status) => status.isFIFO() || status.isCharacterDevice(),
    () => false,
  );
  return isPipe ? createReadStream(file) : file;
}
