import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createProcessOwner } from '../src/index.js';
import { helperState, prepareHelper } from '../src/spawn-helper.js';
import { environment, temporaryDirectory, until } from './witness.js';

test.for(['too long for the path of a socket', 'missing'])(
  'the spawn helper works where TMPDIR is %s, and leaves nothing there',
  async (kind, { onTestFinished }) => {
    const place = temporaryDirectory(onTestFinished);
    const before = process.env['TMPDIR'];
    onTestFinished(() => {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    });
    const [parent, child] = ['d'.repeat(60), 'e'.repeat(60)];
    const long = join(place, parent, child);
    if (kind !== 'missing') mkdirSync(long, { recursive: true });
    process.env['TMPDIR'] = kind === 'missing' ? join(place, 'none') : long;

    await prepareHelper();
    await until(() => helperState().isReady, 'the spawn helper to be ready');
    const owner = createProcessOwner({ marker: `place-${process.pid}` });
    expect(await owner.run({ argv: ['echo', 'hi'], cwd: '/', env: environment })).toMatchObject({
      code: 0,
      stdout: { text: 'hi\n' },
    });
    expect(await owner.close()).toEqual([]);

    const { pid } = helperState();
    if (pid === undefined) throw new Error('no helper');
    process.kill(pid, 'SIGKILL');
    await until(() => helperState().pid === undefined, 'the helper to be gone');
    // A path that was cut off would be a socket beside the directory.
    const left = readdirSync(place, { recursive: true, encoding: 'utf8' }).sort();
    expect(left).toEqual(kind === 'missing' ? [] : [parent, join(parent, child)]);
  },
);
