import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isJsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { oauthError } from './oauth-error.js';
import { underLock } from './process-lock.js';
import { Turnstile, type TokenStore } from './token-store.js';

/** A change of the file is a matter of ms; who waits so long waits for something that hangs. */
const writeLockMs = 30_000;
/** Bit 0o077: what others than the owner may do. */
const othersMay = 0o077;

type Entries = Map<string, string>;

/**
 * Keeps tokens in one JSON file that only its owner can read (0600), for any number of processes. It is replaced as a
 * whole: whoever is killed in between leaves the file as it was or as it should be. Beside it is a directory
 * `<path>.lock` (0700).
 *
 * Rejects with `ORCH_MCP_OAUTH` (`store`) when the file is not its owner's alone, or is no store; then it is left as
 * it is.
 */
export function fileTokenStore(path: string): TokenStore {
  const file = resolve(path);
  const locks = `${file}.lock`;
  const turnstile = new Turnstile();

  async function locked<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
    return turnstile.pass(key, async () => {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      return underLock(locks, name, work, signal);
    });
  }

  async function change(key: string, value: string | undefined): Promise<void> {
    const entries = await readEntries(file);
    if (value === undefined) entries.delete(key);
    else entries.set(key, value);
    // Nobody else writes now, so what is there was left behind by the dead.
    for (const name of await readdir(locks))
      if (name.startsWith('new-')) await rm(join(locks, name), { force: true });
    const draft = join(locks, `new-${randomBytes(8).toString('hex')}`);
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(
        `${JSON.stringify({ version: 1, entries: Object.fromEntries(entries) }, undefined, 2)}\n`,
      );
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
    const directory = await open(dirname(file), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  return {
    async get(key) {
      return (await guarded(file, () => readEntries(file))).get(key);
    },
    async set(key, value) {
      const signal = AbortSignal.timeout(writeLockMs);
      await guarded(file, () => locked('', () => change(key, value), signal));
    },
    async exclusively(key, work, signal) {
      const progress = { isIn: false };
      const enter = (): ReturnType<typeof work> => {
        progress.isIn = true;
        return work();
      };
      try {
        return await locked(`for ${key}`, enter, signal);
      } catch (cause) {
        // What `work` fails of is its own affair.
        if (progress.isIn || signal?.aborted === true) throw cause;
        throw unusable(file, cause);
      }
    },
  };
}

async function guarded<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw unusable(file, cause);
  }
}

function unusable(file: string, cause: unknown): McpError {
  if (McpError.isInstance(cause)) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return oauthError('store', `The token store ${file} could not be used: ${why}`, { cause });
}

async function readEntries(file: string): Promise<Entries> {
  let text: string;
  try {
    // A link could lead to a file of somebody else's choice.
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { mode, uid } = await handle.stat();
      if ((mode & othersMay) !== 0 || uid !== process.getuid?.())
        throw oauthError(
          'store',
          `The token store ${file} can be used by others than you (mode ${(mode & 0o777).toString(8)}), so it was not read. If they did not change it: chmod 600.`,
        );
      text = await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return new Map();
    if (code === 'ELOOP')
      throw oauthError(
        'store',
        `The token store ${file} is a symbolic link, which is not followed.`,
      );
    throw error;
  }
  const entries = parseStore(text);
  if (entries === undefined)
    throw oauthError(
      'store',
      `The token store ${file} is not one that this version can read. It was left as it is; move it away to begin another, and log in again.`,
    );
  return entries;
}

function parseStore(text: string): Entries | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value) || value['version'] !== 1) return undefined;
  const { entries } = value;
  if (!isJsonObject(entries)) return undefined;
  const pairs = Object.entries(entries);
  if (pairs.some(([, entry]) => typeof entry !== 'string')) return undefined;
  return new Map(pairs as [string, string][]);
}
