import { cells } from './cells.js';
import type { Screen } from './screen.js';

const escape = '\u001b[';
const hideCursor = `${escape}?25l`;
const showCursor = `${escape}?25h`;
/** A terminal that knows it shows all of it at once; others ignore it. */
const atOnce = (bytes: string): string => `${escape}?2026h${bytes}${escape}?2026l`;
const eraseLine = `${escape}K`;
const eraseBelow = `${escape}J`;
const wrap = { off: `${escape}?7l`, on: `${escape}?7h` };

/** Rows at the end of the screen that are drawn again and again, below lines that stay. */
export interface LiveBlock {
  /** Draws the rows anew, after lines that stay above them. */
  draw(rows: readonly string[], above?: readonly string[]): void;
  /** Takes the rows away and gives the cursor back. */
  close(): void;
}

/**
 * A block on a terminal. One write a frame, and none for a frame that looks like the last. However the
 * process ends, short of SIGKILL, the cursor comes back.
 */
export function openLiveBlock(screen: Pick<Screen, 'draw' | 'guard' | 'size'>): LiveBlock {
  let drawn: readonly string[] = [];
  let drawnColumns = 0;
  let hidden = false;

  const restore = (): void => {
    if (hidden) screen.draw(`${wrap.on}${showCursor}`);
    hidden = false;
    process.off('exit', restore);
  };

  /** How many lines the block takes now: a terminal that got narrower has broken its rows. */
  const height = (columns: number): number =>
    drawn.reduce(
      (sum, row) =>
        sum + (columns < drawnColumns ? Math.max(1, Math.ceil(cells(row) / columns)) : 1),
      0,
    );
  const toTop = (columns: number): string => {
    const up = height(columns);
    return `\r${up > 0 ? `${escape}${up}A` : ''}`;
  };

  return {
    draw(rows, above = []) {
      const { columns } = screen.size();
      const guarded = rows.map((row) => screen.guard(row).replaceAll('\n', ' '));
      const resized = columns !== drawnColumns;
      if (above.length === 0 && !resized && guarded.join('\n') === drawn.join('\n')) return;
      // Rows are overwritten in place; only lines that may wrap need an empty screen below them.
      const clear = above.length > 0 || resized ? eraseBelow : '';
      const lasting = above.map((line) => `${screen.guard(line)}\n`).join('');
      const block = guarded.map((row) => `${row}${eraseLine}\n`).join('');
      screen.draw(
        atOnce(
          `${hidden ? '' : hideCursor}${toTop(columns)}${clear}${lasting}${wrap.off}${block}${wrap.on}${eraseBelow}`,
        ),
      );
      if (!hidden) process.on('exit', restore);
      hidden = true;
      drawn = guarded;
      drawnColumns = columns;
    },
    close() {
      if (drawn.length > 0) screen.draw(`${toTop(screen.size().columns)}${eraseBelow}`);
      drawn = [];
      restore();
    },
  };
}
