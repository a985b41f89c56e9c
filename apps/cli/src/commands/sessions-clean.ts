import type { CleanupListing } from '@orch/core/sessions';
import { exitCode } from '../exit-codes.js';
import { counted } from '../render/run-lines.js';
import type { Screen } from '../render/screen.js';
import { size } from '../render/sessions-lines.js';
import { UsageError } from '../usage-error.js';
import { confirm } from './confirm.js';
import { openSessions } from './sessions.js';

/**
 * `orch sessions clean --days N`: removes sessions that were not written for so long. What will go is
 * listed first; then somebody has to say yes, on a terminal or with `--yes`.
 */
export async function sessionsCleanCommand(
  screen: Screen,
  flags: {
    readonly days: number;
    readonly dryRun?: boolean;
    readonly yes?: boolean;
    readonly json?: boolean;
  },
): Promise<number> {
  const json = flags.json ?? false;
  const sessions = await openSessions();
  const listing = await sessions.planCleanup(flags.days);
  const { remove } = listing;
  if (!json) list(screen, listing, flags.days);
  if (flags.dryRun || remove.length === 0) {
    if (json) screen.json({ dryRun: flags.dryRun ?? false, ...listing, removed: [] });
    else if (remove.length > 0) screen.line('Nothing was removed (--dry-run).');
    return exitCode.ok;
  }
  if (!flags.yes) {
    if (json || !screen.live || !process.stdin.isTTY)
      throw new UsageError(
        'Removing sessions needs a yes: add --yes, or look first with --dry-run',
      );
    if (!(await confirm(`Remove ${counted(remove.length, 'session')} for good? [y/N] `))) {
      screen.line('Nothing was removed.');
      return exitCode.interrupted;
    }
  }
  const result = await sessions.cleanUp(listing);
  if (json) screen.json({ dryRun: false, ...listing, removed: result.remove, left: result.keep });
  else {
    for (const { name, reason } of result.keep) screen.line(`left alone: ${name} (${reason})`);
    screen.line(
      `Removed ${counted(result.remove.length, 'session')}, ${size(bytesOf(result))}. Journals, receipts and results stay.`,
    );
  }
  return exitCode.ok;
}

function list(screen: Screen, listing: CleanupListing, days: number): void {
  const { remove, keep } = listing;
  for (const { name, bytes, modifiedAt } of remove)
    screen.line(
      `${name}  ${screen.style('dim', `last written ${modifiedAt.slice(0, 10)}, ${size(bytes)}`)}`,
    );
  const held = keep.filter(({ reason }) => reason !== 'recent').length;
  const rest =
    held > 0 ? ` ${counted(held, 'session')} of unfinished runs or live writers stay.` : '';
  screen.line(
    remove.length === 0
      ? `No session is older than ${counted(days, 'day')}.${rest}`
      : `${counted(remove.length, 'session')}, ${size(bytesOf(listing))}, not written for ${counted(days, 'day')}.${rest}`,
  );
}

const bytesOf = ({ remove }: CleanupListing): number =>
  remove.reduce((sum, { bytes }) => sum + bytes, 0);
