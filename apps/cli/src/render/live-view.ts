import type { RunState } from '@orch/core/status';
import { wrapped } from './cells.js';
import { frame } from './frame.js';
import { openLiveBlock } from './live-block.js';
import { oneLine } from './neutral.js';
import { runLines } from './run-lines.js';
import type { RunView } from './run-view.js';
import type { Screen } from './screen.js';

const frameMs = 100;
/** More of an agent's words than any line shows. */
const mostCharacters = 400;

/** Finished tasks once, running ones drawn again below them. */
export function liveView(screen: Screen): RunView {
  const block = openLiveBlock(screen);
  const latest = new Map<string, string>();
  let state: RunState | undefined;

  const rows = (): readonly string[] =>
    state ? frame(screen, { state, latest, now: Date.now() }, screen.size()) : [];
  const redraw = (): void => block.draw(rows());
  const timer = setInterval(redraw, frameMs);
  const endResize = screen.onResize(redraw);
  // Ctrl-Z: the shell gets its cursor back while we are stopped.
  const suspend = (): void => {
    block.close();
    process.kill(process.pid, 'SIGSTOP');
  };
  process.on('SIGTSTP', suspend);
  return {
    event: (event, now) => {
      state = now;
      if (event.type === 'attempt.started') latest.delete(event.task);
      const { columns } = screen.size();
      // A command is copied: its line is the terminal's to break.
      const lasting = runLines(screen, event, now).flatMap((line) =>
        /^ *(?:why|next): /.test(line) ? [line] : wrapped(line, columns, '    '),
      );
      if (lasting.length > 0) block.draw(rows(), lasting);
    },
    progress: (task, text) => void latest.set(task, oneLine(text.slice(0, mostCharacters))),
    say: (text) => block.draw(rows(), [text]),
    close: () => {
      clearInterval(timer);
      endResize();
      process.off('SIGTSTP', suspend);
      block.close();
    },
  };
}
