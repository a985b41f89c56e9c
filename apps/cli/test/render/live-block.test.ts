import { expect, it } from 'vitest';
import { openLiveBlock } from '../../src/render/live-block.js';
import { recordingScreen } from '../recording-screen.js';

const escape = '\u001b[';

it('one write a frame, and none for a frame like the last', () => {
  const { screen, writes } = recordingScreen({ terminal: true });
  const block = openLiveBlock(screen);
  block.draw(['one', 'two']);
  block.draw(['one', 'two']);
  block.draw(['one', 'three'], ['a line that stays']);
  expect(writes).toHaveLength(2);
  expect(writes[1]).toContain(`\r${escape}2A`);
  block.close();
});

it('hides the cursor once, and gives it back once, however often it is closed', () => {
  const { screen, out } = recordingScreen({ terminal: true });
  const before = process.listenerCount('exit');
  const block = openLiveBlock(screen);
  block.draw(['one']);
  block.draw(['two']);
  expect(process.listenerCount('exit')).toBe(before + 1);
  block.close();
  block.close();
  expect(out().split(`${escape}?25l`)).toHaveLength(2);
  expect(out().split(`${escape}?25h`)).toHaveLength(2);
  expect(process.listenerCount('exit')).toBe(before);
});

it('writes nothing at all when nothing was drawn', () => {
  const { screen, out } = recordingScreen({ terminal: true });
  openLiveBlock(screen).close();
  expect(out()).toBe('');
});

it('goes up by the rows that a narrower terminal broke the block into', () => {
  const { screen, writes, size } = recordingScreen({ terminal: true, columns: 80 });
  const block = openLiveBlock(screen);
  block.draw(['x'.repeat(79), 'y'.repeat(10)]);
  size.columns = 30;
  block.draw(['x'.repeat(29), 'y'.repeat(10)]);
  // 79 characters in rows of 30 are three, and the short row is one.
  expect(writes[1]).toContain(`\r${escape}4A`);
  block.close();
});

it('rows of others cannot leave their line or move the cursor', () => {
  const { screen, out } = recordingScreen({ terminal: true });
  const block = openLiveBlock(screen);
  block.draw([`evil\n${escape}2Jrow`]);
  expect(out()).toContain('evil [2Jrow');
  expect(out()).not.toContain(`${escape}2J`);
  block.close();
});
