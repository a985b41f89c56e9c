import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../src/index.js';
import { startWitness, temporaryDirectory } from '../scene.js';
import { caller, environment, installed } from './installed.js';

test('the filesystem server: all 14 tools, and what they do to the disk', async ({
  onTestFinished,
}) => {
  const root = realpathSync(temporaryDirectory(onTestFinished));
  const at = (name: string): string => join(root, name);
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  const witness = startWitness();
  const server = await connect(
    { command: process.execPath, args: [installed('filesystem'), root], env: witness.env },
    { environment },
  );
  onTestFinished(() => server.close());
  const { call, expectAllCalled } = caller(server);

  await call('create_directory', { path: at('deep/er') });
  await call('write_file', { path: at('deep/er/a.txt'), content: 'one\ntwo\nthree\n' });
  expect(read('deep/er/a.txt')).toBe('one\ntwo\nthree\n');
  const edits = [{ oldText: 'two', newText: 'zwei ✂' }];
  await call('edit_file', { path: at('deep/er/a.txt'), edits, dryRun: true });
  expect(read('deep/er/a.txt')).toContain('two');
  await call('edit_file', { path: at('deep/er/a.txt'), edits });
  expect(read('deep/er/a.txt')).toBe('one\nzwei ✂\nthree\n');
  await call('move_file', { source: at('deep/er/a.txt'), destination: at('b.txt') });
  expect(existsSync(at('deep/er/a.txt'))).toBe(false);

  // From here on the disk is changed behind its back, and it has to say what is there.
  writeFileSync(at('c.txt'), 'sea');
  writeFileSync(at('pixel.png'), Buffer.of(137, 80, 78, 71));
  mkdirSync(at('empty'));
  expect((await call('read_file', { path: at('b.txt') })).text).toBe(read('b.txt'));
  expect((await call('read_text_file', { path: at('b.txt'), head: 2 })).text).toBe('one\nzwei ✂');
  const media = await call('read_media_file', { path: at('pixel.png') });
  expect(media.content).toMatchObject([
    { type: 'image', mimeType: 'image/png', data: Buffer.of(137, 80, 78, 71).toString('base64') },
  ]);
  const several = await call('read_multiple_files', { paths: [at('b.txt'), at('c.txt')] });
  expect(several.text).toContain('zwei ✂');
  expect(several.text).toContain('sea');
  expect((await call('list_directory', { path: root })).text.split('\n').sort()).toEqual([
    '[DIR] deep',
    '[DIR] empty',
    '[FILE] b.txt',
    '[FILE] c.txt',
    '[FILE] pixel.png',
  ]);
  expect((await call('list_directory_with_sizes', { path: root })).text).toMatch(/c\.txt\s+3 B/);
  expect(JSON.parse((await call('directory_tree', { path: at('deep') })).text)).toEqual([
    { name: 'er', type: 'directory', children: [] },
  ]);
  const found = await call('search_files', { path: root, pattern: '*.txt' });
  expect(found.text.split('\n').sort()).toEqual([at('b.txt'), at('c.txt')]);
  expect((await call('get_file_info', { path: at('c.txt') })).text).toContain('size: 3');
  expect((await call('list_allowed_directories')).text).toContain(root);
  await expectAllCalled(14);

  const refused = await server.call('read_text_file', { path: '/etc/passwd' });
  expect(refused).toMatchObject({ isError: true });
  expect(refused.text).toContain('outside allowed directories');

  await server.close();
  expect(witness.alive()).toEqual([]);
});

test('the filesystem server asks for roots, and is given those of its user', async ({
  onTestFinished,
}) => {
  const root = realpathSync(temporaryDirectory(onTestFinished));
  writeFileSync(join(root, 'a.txt'), 'by root');
  const server = await connect(
    { command: process.execPath, args: [installed('filesystem')] },
    { environment, roots: [root] },
  );
  onTestFinished(() => server.close());
  // It asks after the handshake, and refuses everything until it is answered.
  const path = join(root, 'a.txt');
  let result = await server.call('read_text_file', { path });
  for (let n = 0; result.isError && n < 100; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    result = await server.call('read_text_file', { path });
  }
  expect(result.text).toBe('by root');
});
