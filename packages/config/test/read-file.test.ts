import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSettings, type Source } from '../src/index.js';
import { setScene } from './scene.js';

const load = (source: Source, more: object = {}) =>
  createSettings({
    sources: [source, { tier: 'defaults', name: 'defaults', value: { fine: true } }],
    environment: {},
    ...more,
  }).load();
/** The one problem; what other sources say is there all the same. */
const problem = async (source: Source, more: object = {}) => {
  const loaded = await load(source, more);
  expect(loaded.value).toBeUndefined();
  expect(loaded.merged).toEqual({ fine: true });
  expect(loaded.problems).toHaveLength(1);
  return loaded.problems[0];
};

describe('what lies at a path', () => {
  it('a directory, a pipe, a socket, a device: refused at once, never waited for', async () => {
    const scene = setScene();
    const directory = scene.path('dir.yaml');
    fs.mkdirSync(directory);
    const pipe = scene.path('pipe.yaml');
    execFileSync('mkfifo', [pipe]);
    const socket = scene.path('socket.yaml');
    const server = createServer().listen(socket);
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    expect(await problem({ tier: 'user', file: directory })).toMatchObject({
      code: 'ORCH_CONFIG_NOT_A_FILE',
      source: directory,
      message: 'expected a file, found a directory',
    });
    for (const file of [pipe, '/dev/zero']) {
      expect(await problem({ tier: 'user', file })).toMatchObject({
        code: 'ORCH_CONFIG_NOT_A_FILE',
      });
    }
    expect(await problem({ tier: 'user', file: socket })).toMatchObject({
      code: 'ORCH_CONFIG_UNREADABLE',
    });
  });

  it('a file where drop-ins should be, and links in a circle', async () => {
    const scene = setScene();
    const file = scene.write('policy.d', '{}');
    expect(await problem({ tier: 'managed', directory: file })).toMatchObject({
      code: 'ORCH_CONFIG_NOT_A_FILE',
    });
    fs.symlinkSync('circle.yaml', scene.path('circle.yaml'));
    expect(await problem({ tier: 'user', file: scene.path('circle.yaml') })).toMatchObject({
      code: 'ORCH_CONFIG_UNREADABLE',
      message: expect.stringContaining('ELOOP') as unknown,
    });
  });

  it('a file that this user may not read', async () => {
    const scene = setScene();
    const file = scene.write('secret.json', '{ "a": 1 }');
    fs.chmodSync(file, 0);
    const program = `
      process.setuid?.(65534);
      const { createSettings } = await import(process.argv[1]);
      const { problems } = await createSettings({ sources: [{ tier: 'user', file: process.argv[2] }], environment: {} }).load();
      console.log(problems.map(({ code, message }) => code + ' ' + message).join());`;
    fs.chmodSync(scene.root, 0o755);
    const { build } = await import('tsup');
    const outDir = scene.path('built');
    await build({
      config: false,
      entry: { index: `${import.meta.dirname}/../src/index.ts` },
      ...{ outDir, format: ['esm'], silent: true, noExternal: [/./], platform: 'node' },
      esbuildOptions: (options) => void (options.mainFields = ['module', 'main']),
    });
    const printed = execFileSync(
      process.execPath,
      ['--input-type=module', '-e', program, `${outDir}/index.js`, file],
      { encoding: 'utf8', cwd: '/' },
    );
    expect(printed).toBe('ORCH_CONFIG_UNREADABLE this file could not be read (EACCES)\n');
  });

  it('more bytes than a settings file needs, and no byte less', async () => {
    const scene = setScene();
    const big = scene.write('big.json', `{ "a": "${'x'.repeat(1024 * 1024)}" }`);
    expect(await problem({ tier: 'user', file: big })).toMatchObject({
      code: 'ORCH_CONFIG_TOO_LARGE',
    });
    const small = scene.write('small.json', '{ "a": 1 }');
    expect(await problem({ tier: 'user', file: small }, { maxBytes: 9 })).toMatchObject({
      code: 'ORCH_CONFIG_TOO_LARGE',
    });
    expect((await load({ tier: 'user', file: small }, { maxBytes: 10 })).value).toMatchObject({
      a: 1,
    });
  });

  it('files of every size around the buffers are read whole', async () => {
    const scene = setScene();
    for (const size of [0, 1, 16_384, 81_920, 147_456].flatMap((one) => [one - 1, one, one + 1])) {
      const text = 'é'.repeat(Math.max(0, size >> 1));
      const file = scene.write('sized.json', JSON.stringify({ text }));
      expect((await load({ tier: 'user', file })).value).toMatchObject({ text });
    }
  });

  it('bytes that are no UTF-8, with the place of the first', async () => {
    const scene = setScene();
    const bytes = Buffer.concat([Buffer.from('a: é\uFFFD\nb: ü'), Buffer.from([0xc3, 0x28, 0x0a])]);
    const file = scene.write('latin.yaml', bytes);
    expect(await problem({ tier: 'user', file })).toMatchObject({
      code: 'ORCH_CONFIG_ENCODING',
      ...{ line: 2, column: 5 },
    });
    const mark = scene.write('mark.json', Buffer.from('\uFEFF{ "a": 1 }'));
    expect((await load({ tier: 'user', file: mark })).value).toEqual({ a: 1, fine: true });
  });
});

describe('a file that is read again', () => {
  /** As if it had last been changed a minute ago. */
  const age = (file: string): void =>
    fs.utimesSync(file, Date.now() / 1000 - 60, Date.now() / 1000 - 60);

  it('is seen to have changed, also with the same size and the same time of modification', async () => {
    const scene = setScene();
    const file = scene.write('s.json', '{ "a": 1 }');
    age(file);
    await new Promise((resolve) => setTimeout(resolve, 3100));
    const settings = createSettings({ sources: [{ tier: 'user', file }], environment: {} });
    expect((await settings.load()).value).toEqual({ a: 1 });
    expect((await settings.load()).value).toEqual({ a: 1 });
    for (let round = 2; round < 10; round += 1) {
      fs.writeFileSync(file, `{ "a": ${round} }`);
      age(file);
      expect((await settings.load()).value).toEqual({ a: round });
    }
    fs.renameSync(scene.write('other.json', '{ "a": 0 }'), file);
    expect((await settings.load()).value).toEqual({ a: 0 });
    fs.rmSync(file);
    expect((await settings.load()).value).toEqual({});
  });
});

describe('within', () => {
  it('a link that leads out of the repository is not followed, in the name or above it', async () => {
    const scene = setScene();
    const outside = scene.write('home/credentials.yaml', 'password: fake-hunter2\n');
    fs.mkdirSync(scene.path('repo'));
    const within = scene.path('repo');
    fs.symlinkSync(outside, scene.path('repo/orch.settings.yaml'));
    fs.symlinkSync(scene.path('home'), scene.path('repo/.orch'));
    for (const name of ['repo/orch.settings.yaml', 'repo/.orch/credentials.yaml']) {
      const file = scene.path(name);
      expect(await problem({ tier: 'project', file, within })).toMatchObject({
        code: 'ORCH_CONFIG_OUTSIDE',
      });
      // Without the bound it is read: the bound is what holds.
      expect((await load({ tier: 'project', file })).value).toMatchObject({
        password: 'fake-hunter2',
      });
    }
  });

  it('a link inside of it, and a repository that is reached through a link, are fine', async () => {
    const scene = setScene();
    scene.write('real/conf/settings.yaml', 'a: 1\n');
    fs.symlinkSync('conf/settings.yaml', scene.path('real/orch.settings.yaml'));
    fs.symlinkSync(scene.path('real'), scene.path('repo'));
    const source = {
      tier: 'project',
      file: scene.path('repo/orch.settings.yaml'),
      within: scene.path('repo'),
    };
    expect((await load(source)).value).toEqual({ a: 1, fine: true });
  });

  it('a directory beside it with a longer name is outside', async () => {
    const scene = setScene();
    fs.mkdirSync(scene.path('repo'));
    scene.write('repo-2/settings.yaml', 'a: 1\n');
    fs.symlinkSync(scene.path('repo-2/settings.yaml'), scene.path('repo/settings.yaml'));
    const source = {
      tier: 'project',
      file: scene.path('repo/settings.yaml'),
      within: scene.path('repo'),
    };
    expect(await problem(source)).toMatchObject({ code: 'ORCH_CONFIG_OUTSIDE' });
  });
});
