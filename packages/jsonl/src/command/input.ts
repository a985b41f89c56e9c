import { createReadStream, fstatSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { JsonlError } from '../errors.js';
import type { Input } from '../read/byte-source.js';

/**
 * What a FILE of the command line is read as. A pipe, such as the shell makes of `<(command)`, can
 * only be read in order; reading it as a file would be an error.
 *
 * @throws JsonlError `ORCH_JSONL_READ_FAILED` where standard input is a directory.
 */
export async function inputOf(file: string): Promise<Input> {
  if (file === '-') {
    // Node takes it for one without content.
    if (fstatSync(0).isDirectory())
      throw new JsonlError(
        'ORCH_JSONL_READ_FAILED',
        'Cannot read standard input: it is a directory',
        {},
      );
    return process.stdin;
  }
  const isPipe = await stat(file).then(
    (status) => status.isFIFO() || status.isCharacterDevice(),
    () => false,
  );
  if (!isPipe) return file;
  // A thread waits for it, and an exit would wait for that thread.
  process.prependOnceListener('SIGINT', () => {
    process.removeAllListeners('SIGINT');
    process.kill(process.pid, 'SIGINT');
  });
  return createReadStream(file);
}
