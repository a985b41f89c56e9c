import { stat, unlink } from 'node:fs/promises';
import { systemCode } from '../errors.js';
import { takeMark } from './writer-mark.js';

export interface CleanupOptions {
  /**
   * Days since a session was last written after which it is removed: 1 or more. There is no default,
   * because what is removed is gone.
   */
  readonly cleanupPeriodDays: number;
  /** Milliseconds since 1970. @default Date.now() */
  readonly now?: number;
}

/** A session that the period has passed for. */
export interface Expired {
  readonly id: string;
  readonly path: string;
  readonly bytes: number;
  readonly modifiedAt: string;
}

/** What would be removed, and what stays. Nothing was touched yet. */
export interface CleanupPlan {
  readonly remove: readonly Expired[];
  /** `recent`: written within the period; `written`: a process writes it now. */
  readonly keep: readonly { readonly id: string; readonly reason: 'recent' | 'written' }[];
}

/** What became of the sessions of a plan. */
export interface CleanupResult {
  readonly removed: readonly Expired[];
  /** `written`: a process writes it; `changed`: it was written after the plan was made; `gone`: it was not there. */
  readonly kept: readonly {
    readonly id: string;
    readonly reason: 'written' | 'changed' | 'gone';
  }[];
  readonly bytes: number;
}

/** @throws RangeError */
export function expiryOf({ cleanupPeriodDays, now = Date.now() }: CleanupOptions): number {
  if (!Number.isFinite(cleanupPeriodDays) || cleanupPeriodDays < 1) {
    throw new RangeError(`cleanupPeriodDays must be 1 or more, received ${cleanupPeriodDays}`);
  }
  // Against such a number no session is recent, and all would be removed.
  if (!Number.isFinite(now)) {
    throw new RangeError(`now must be milliseconds since 1970, received ${now}`);
  }
  return now - cleanupPeriodDays * 24 * 60 * 60 * 1000;
}

/** Removes one session of a plan unless somebody writes it, or has since the plan was made. */
export async function removeExpired(
  expired: Expired,
  marks: string,
  isWritten: (id: string) => Promise<boolean>,
): Promise<'removed' | 'written' | 'changed' | 'gone'> {
  // With the mark no writer of this store can begin; the look at the file comes after it.
  const marked = await takeMark(marks, expired.id);
  if (marked.kind === 'held') return 'written';
  try {
    if (await isWritten(expired.id)) return 'written';
    const status = await stat(expired.path);
    const isSame =
      status.mtime.toISOString() === expired.modifiedAt && status.size === expired.bytes;
    if (!isSame) return 'changed';
    await unlink(expired.path);
    return 'removed';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'gone';
    throw error;
  } finally {
    await marked.mark.release();
  }
}
