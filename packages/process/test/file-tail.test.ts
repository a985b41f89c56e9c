import {
  appendFileSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createFileTail } from '../src/file-tail.js';

/** An empty file, and what its tail has given. */
function scene() {
  const directory = mkdtempSync(join(tmpdir(), 'file-tail-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'out');
  writeFileSync(path, '');
  const tail = createFileTail(openSync(path, 'r'), path, {
    maxBytes: Infinity,
    onTooLarge: () => undefined,
  });
  let given = '';
  tail.stream.setEncoding('utf8').on('data', (text: string) => (given += text));
  const ended = new Promise<string>((resolve, reject) => {
    tail.stream.once('end', () => resolve(given));
    tail.stream.once('error', reject);
  });
  return { path, tail, ended };
}

/** So long that the thread has read the file as it is, while nobody here has heard of it. */
function standStill(): void {
  const until = performance.now() + 50;
  while (performance.now() < until);
}

test('what is written after the last look began, and before it is told that no more comes, is given', async () => {
  const { path, tail, ended } = scene();
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
  // The first look is under way, and finds an empty file.
  standStill();
  appendFileSync(path, 'the last words\n');
  tail.noMore();
  expect(await ended).toBe('the last words\n');
});

test('a file that is cut after its end was told ends where it ends', async () => {
  const { path, tail, ended } = scene();
  appendFileSync(path, 'x'.repeat(200_000));
  tail.noMore();
  truncateSync(path, 100_000);
  expect((await ended).length).toBeLessThanOrEqual(200_000);
});
