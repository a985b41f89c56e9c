import { exitCode } from '../exit-codes.js';
import type { Screen } from '../render/screen.js';
import { importLines, size } from '../render/sessions-lines.js';
import { openSessions } from './sessions.js';

/** Smaller files are read before anybody wonders. */
const progressFromBytes = 16e6;

/**
 * `orch sessions import [PATH]`: conversations of Claude Code become sessions here. Without a path,
 * those of this repository. A transcript that cannot be imported does not stop the others.
 */
export async function sessionsImportCommand(
  screen: Screen,
  wanted: string | undefined,
  flags: { readonly json?: boolean },
): Promise<number> {
  const sessions = await openSessions();
  let imported = 0;
  let refused = 0;
  let announced = 0;
  const onProgress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }): void => {
    if (totalBytes < progressFromBytes) return;
    const tenths = Math.floor((10 * bytes) / totalBytes);
    if (tenths > announced && tenths < 10)
      screen.note(`reading: ${tenths}0 % of ${size(totalBytes)}`);
    announced = tenths;
  };
  for await (const outcome of sessions.importFrom(wanted ?? sessions.ownTranscripts, {
    onProgress,
  })) {
    announced = 0;
    if (outcome.kind === 'kept' || outcome.kind === 'failed') refused += 1;
    else imported += 1;
    if (flags.json) screen.json(outcome);
    else for (const line of importLines(screen, outcome)) screen.line(line);
  }
  if (!flags.json && imported > 0) screen.line('Look at them with: orch sessions list --imported');
  return refused > 0 ? exitCode.failed : exitCode.ok;
}
