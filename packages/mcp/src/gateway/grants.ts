import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { McpError } from '../mcp-error.js';
import type { AllowsAll } from '../hub/filter.js';
import type { Trust } from '../serving/service.js';

/** What one attempt may do, and until when. */
export interface Granted {
  /** Known by this, and not secret. */
  readonly id: string;
  readonly attempt: string;
  readonly allows: AllowsAll;
  readonly trust: Trust;
  readonly untilMs: number;
}

/** A token that opens nothing; `attempt` if it once did, or is somebody's with a wrong secret. */
export interface Shut {
  readonly why: string;
  readonly attempt?: string;
}

interface Kept {
  readonly granted: Granted;
  readonly hash: Buffer;
  ended?: 'revoked' | 'expired';
}

/** Tokens that are no more, remembered so that a late use of them is known for what it is. */
const endedMost = 10_000;

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Writes what nobody else may read; never over a file that is there. Throws `ORCH_MCP_SPEC`. */
export async function writeSecret(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new McpError(
      'ORCH_MCP_SPEC',
      `The token could not be written to ${path} (${why}). Give a path in a directory of its own where nothing is yet.`,
      { cause },
    );
  }
}

export const removeSecret = (path: string): Promise<void> => rm(path, { force: true });

/** The tokens that are in force. Of each only the hash is kept. */
export class Grants {
  readonly #kept = new Map<string, Kept>();
  readonly #ended: string[] = [];

  /** A new token, `id.secret`. */
  add(granted: Omit<Granted, 'id'>): { readonly granted: Granted; readonly token: string } {
    const id = randomBytes(9).toString('base64url');
    const secret = randomBytes(32).toString('base64url');
    const whole: Granted = { ...granted, id };
    this.#kept.set(id, { granted: whole, hash: hashOf(secret) });
    return { granted: whole, token: `${id}.${secret}` };
  }

  /** Compares in constant time. */
  find(token: string, nowMs: number): Granted | Shut {
    const at = token.indexOf('.');
    const kept = this.#kept.get(token.slice(0, at));
    const given = hashOf(token.slice(at + 1));
    // With an id that is not known the same is done, so that the time tells nothing of it.
    const isRight = timingSafeEqual(given, kept?.hash ?? hashOf(''));
    if (kept === undefined) return { why: 'it is not known' };
    const { attempt, untilMs } = kept.granted;
    if (!isRight) return { why: 'its secret is wrong', attempt };
    if (kept.ended === undefined && nowMs >= untilMs) this.end(kept.granted.id, 'expired');
    if (kept.ended !== undefined) return { why: `it was ${kept.ended}`, attempt };
    return kept.granted;
  }

  end(id: string, how: 'revoked' | 'expired'): void {
    const kept = this.#kept.get(id);
    if (kept === undefined || kept.ended !== undefined) return;
    kept.ended = how;
    this.#ended.push(id);
    if (this.#ended.length > endedMost) this.#kept.delete(this.#ended.shift() ?? '');
  }
}
