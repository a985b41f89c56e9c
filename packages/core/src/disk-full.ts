import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { isDiskFull, readJournal, type RunLayout, type Workspace } from '@orch/coordinator';
import { CoreError } from './core-error.js';

/**
 * A failure for want of space as a person needs it: which directory, and how to go on. Every other error
 * comes back as it is.
 */
export async function explainDiskFull(
  error: unknown,
  layout: RunLayout,
  directories: readonly string[],
): Promise<unknown> {
  if (!isDiskFull(error)) return error;
  const where = fileOf(error) ?? (await fullest(directories)).directory;
  const begun = await readJournal(layout).then(
    () => true,
    () => false,
  );
  const reason = error instanceof Error ? error.message : String(error);
  return new CoreError(
    'ORCH_DISK_FULL',
    `No space left in ${where}. What ran was stopped, and nothing that was recorded is lost. Free some space` +
      `${begun ? `, then go on with: orch resume ${layout.run}` : ' and start again: nothing had begun'}. (${reason})`,
    { directory: where, run: layout.run },
    { cause: error },
  );
}

/** The directory of the file that took no more, where the error names one. */
function fileOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 8; depth += 1) {
    const { details, path: file, cause } = at as Record<string, unknown>;
    const named = (details as { readonly path?: unknown } | undefined)?.path ?? file;
    if (typeof named === 'string' && path.isAbsolute(named)) return path.dirname(named);
    at = cause;
  }
  return undefined;
}

/** git may keep to itself why it could not write. */
const couldNotWrite = /(?:unable|could not|cannot|failed) to (?:write|create)|write error/i;
/** What git took back when it failed counts as well. */
const littleBytes = 16 * 1024 * 1024;

/** A workspace whose failures to write say so when the reason is a full disk, which git does not always tell. */
export function namingFullDisks(workspace: Workspace, directories: readonly string[]): Workspace {
  const explain = async (error: unknown): Promise<never> => {
    const { message = '' } = (error ?? {}) as { readonly message?: string };
    if (isDiskFull(error) || !couldNotWrite.test(message)) throw error;
    const { directory, bytes } = await fullest(directories);
    if (bytes > littleBytes) throw error;
    throw Object.assign(new Error(`ENOSPC: no space left on device: ${message}`), {
      code: 'ENOSPC',
      path: path.join(directory, 'git'),
      cause: error,
    });
  };
  return Object.fromEntries(
    Object.entries(
      workspace as unknown as Record<string, (...a: unknown[]) => Promise<unknown>>,
    ).map(([name, operation]) => [
      name,
      (...given: unknown[]) => operation(...given).catch(explain),
    ]),
  ) as unknown as Workspace;
}

/** Programs such as git do not say where: it is the directory with the least room. */
async function fullest(
  directories: readonly string[],
): Promise<{ readonly directory: string; readonly bytes: number }> {
  const rooms = await Promise.all(
    directories.map(async (directory) => ({
      directory,
      bytes: await statfs(directory).then(
        ({ bavail, bsize }) => bavail * bsize,
        () => Infinity,
      ),
    })),
  );
  return rooms.sort((a, b) => a.bytes - b.bytes)[0] ?? { directory: 'the disk', bytes: Infinity };
}
