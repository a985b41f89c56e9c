import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect, type StdioServerSpec } from '../../src/index.js';
import { fillIn, presets, resolveNpx } from '../../src/config/index.js';
import { temporaryDirectory, type Cleanup } from '../scene.js';
import { environment, installed } from '../servers/installed.js';

/** A package with one program, at a place of its own, as npm installs it. */
function install(place: string, name: string, version: string, more: object = {}): string {
  const directory = join(place, 'node_modules', name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'cli.js'), '#!/usr/bin/env node\n');
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ name, version, bin: { cli: './cli.js' }, ...more }),
  );
  const bins = join(place, 'node_modules/.bin');
  mkdirSync(bins, { recursive: true });
  rmSync(join(bins, 'cli'), { force: true });
  symlinkSync(join(directory, 'cli.js'), join(bins, 'cli'));
  return join(directory, 'cli.js');
}

/** Where npx keeps a package, by exactly what it is asked for. */
const slotOf = (cache: string, asked: string): string =>
  join(cache, '_npx', createHash('sha512').update(asked).digest('hex').slice(0, 16));
const npx = (...args: string[]): StdioServerSpec => ({ command: 'npx', args, env: { A: 'b' } });

type Scene = ReturnType<typeof scene>;

function scene(onTestFinished: Cleanup) {
  const root = temporaryDirectory(onTestFinished);
  const cwd = join(root, 'project/deep');
  mkdirSync(cwd, { recursive: true });
  const cache = join(root, 'cache');
  return {
    root,
    cache,
    cached: (name: string, version: string, more: object = {}) =>
      install(slotOf(cache, `${name}@${version}`), name, version, more),
    resolve: (...args: string[]) =>
      resolveNpx(npx(...args), { cwd, environment: { npm_config_cache: cache, HOME: root } }),
    project: join(root, 'project'),
  };
}

describe('what npx would start', () => {
  test('is found in node_modules above, and started by Node with all that was given', ({
    onTestFinished,
  }) => {
    const { resolve, project } = scene(onTestFinished);
    const program = install(project, '@a/server', '1.2.3');
    for (const asked of ['@a/server', '@a/server@1.2.3']) {
      const { spec, isDirect, why } = resolve('-y', asked, '--root', '-y');
      expect([isDirect, why]).toEqual([true, '@a/server@1.2.3']);
      expect(spec).toEqual({
        command: process.execPath,
        args: [program, '--root', '-y'],
        env: { A: 'b' },
      });
    }
  });

  test('is found in the cache of npx, at exactly the version that is asked for', ({
    onTestFinished,
  }) => {
    const { resolve, cached, project } = scene(onTestFinished);
    const program = cached('server', '2.0.0');
    install(project, 'server', '1.0.0');
    expect(resolve('server@2.0.0').spec).toMatchObject({ args: [program] });
    expect(resolve('server@2.0.1')).toMatchObject({ isDirect: false });
    expect(resolve('server').why).toBe('server@1.0.0');
  });

  test('is left to npx where that decides more', ({ onTestFinished }) => {
    const { resolve, cached } = scene(onTestFinished);
    cached('server', '2.0.0');
    for (const args of [
      ['server'], // the registry may have a newer one
      ['server@latest'],
      ['server@^2.0.0'],
      ['-p', 'server@2.0.0', 'cli'],
      ['--package=server@2.0.0', 'cli'],
      ['-c', 'cli'],
      ['git+https://a.test/server'],
      ['./server'],
      ['../../node_modules/server@2.0.0'],
      [],
    ]) {
      const { isDirect, spec } = resolve(...args);
      expect([args, isDirect]).toEqual([args, false]);
      expect(spec).toEqual(npx(...args));
    }
  });

  test('is left to npx where the package is not what it seems', ({ onTestFinished }) => {
    const { root, cached, resolve } = scene(onTestFinished);
    install(slotOf(join(root, 'cache'), 'other-name@1.0.0'), 'something-else', '1.0.0');
    cached('two-bins', '1.0.0', { bin: { a: './cli.js', b: './cli.js' } });
    cached('no-bin', '1.0.0', { bin: undefined });
    cached('leads-out', '1.0.0', { bin: { cli: '../../../../../secret.js' } });
    writeFileSync(join(root, 'secret.js'), '#!/usr/bin/env node\n');
    writeFileSync(cached('native', '1.0.0'), '\u007fELF');
    const linked = cached('linked', '1.0.0', { bin: { cli: './link.js' } });
    symlinkSync(join(root, 'secret.js'), join(dirname(linked), 'link.js'));
    for (const name of ['other-name', 'two-bins', 'no-bin', 'leads-out', 'native', 'linked'])
      expect([name, resolve(`${name}@1.0.0`).isDirect]).toEqual([name, false]);
    cached('plain', '1.0.0');
    expect(resolve('plain@1.0.0').isDirect).toBe(true);
  });

  test.each<[string, (scene: Scene) => void]>([
    [
      'another package has the program of that name',
      ({ project }) => {
        install(project, 'server', '1.0.0');
        install(project, 'another', '1.0.0');
      },
    ],
    [
      'the cache has it in the place of another package',
      ({ cache }) => void install(slotOf(cache, 'other@1.0.0'), 'server', '1.0.0'),
    ],
    [
      'a setting of the project decides more',
      ({ project, cached }) => {
        install(project, 'placed', '1.0.0');
        writeFileSync(join(project, '.npmrc'), 'audit=false\nnode-options=--require ./x.js\n');
        cached('server', '1.0.0');
      },
    ],
    [
      'the project is part of a workspace',
      ({ root, project, cached }) => {
        writeFileSync(join(root, 'package.json'), '{"workspaces":["project"]}');
        writeFileSync(join(project, 'package.json'), '{}');
        cached('server', '1.0.0');
      },
    ],
    [
      'the project has a program of that name itself',
      ({ project, cached }) => {
        writeFileSync(join(project, 'package.json'), '{"bin":{"server@1.0.0":"./x.js"}}');
        cached('server', '1.0.0');
      },
    ],
    [
      'it is installed deeper in the project',
      ({ project, cached }) => {
        install(project, 'placed', '1.0.0');
        const tree = '{"packages":{"node_modules/placed/node_modules/server":{}}}';
        writeFileSync(join(project, 'node_modules/.package-lock.json'), tree);
        cached('server', '1.0.0');
      },
    ],
  ])('is left to npx where it is not certain: %s', (_why, arrange) => {
    const cleanups: (() => void | Promise<void>)[] = [];
    try {
      const all = scene((clean) => cleanups.unshift(clean));
      arrange(all);
      expect(all.resolve('-y', 'server@1.0.0')).toMatchObject({
        isDirect: false,
        spec: npx('-y', 'server@1.0.0'),
      });
    } finally {
      for (const clean of cleanups) void clean();
    }
  });

  test('is left to npx where a variable of the server decides more', ({ onTestFinished }) => {
    const { cached, cache, root } = scene(onTestFinished);
    cached('server', '1.0.0');
    const isDirect = (env: Record<string, string>): boolean =>
      resolveNpx({ ...npx('server@1.0.0'), env }, { cwd: root, environment: { HOME: root } })
        .isDirect;
    expect(isDirect({ npm_config_cache: cache, npm_config_script_shell: '/x' })).toBe(false);
    expect(isDirect({ npm_config_cache: cache })).toBe(true);
  });
});

describe('presets', () => {
  test.each([
    'filesystem',
    'memory',
    'sequentialThinking',
    'everything',
    'githubNpm',
    'cclsp',
  ] as const)('%s is resolved to what is installed here, of the version that it names', (name) => {
    const entry = {
      filesystem: () => presets.filesystem(['/srv']),
      memory: () => presets.memory({ file: '/tmp/m.jsonl' }),
      sequentialThinking: presets.sequentialThinking,
      everything: presets.everything,
      githubNpm: presets.githubNpm,
      cclsp: () => presets.cclsp({ config: '/tmp/c.json' }),
    }[name]();
    const spec = fillIn(entry, { GITHUB_PERSONAL_ACCESS_TOKEN: 'fake-token' });
    const resolved = resolveNpx(spec, { cwd: import.meta.dirname });
    expect(resolved).toMatchObject({ isDirect: true, spec: { command: process.execPath } });
  });

  test('a resolved one starts', async ({ onTestFinished }) => {
    const { spec } = resolveNpx(fillIn(presets.memory()), { cwd: import.meta.dirname });
    expect((spec as StdioServerSpec).args).toEqual([installed('memory')]);
    const server = await connect(spec, { environment });
    onTestFinished(() => server.close());
    expect((await server.tools()).length).toBe(9);
  });

  test('github asks for its token by name, and says so when it is not set', () => {
    const entry = presets.github({ toolsets: ['repos', 'issues'], readOnly: true });
    expect(entry).toEqual({
      type: 'http',
      url: 'https://api.githubcopilot.com/mcp/',
      headers: {
        Authorization: 'Bearer ${GITHUB_PERSONAL_ACCESS_TOKEN}',
        'X-MCP-Toolsets': 'repos,issues',
        'X-MCP-Readonly': 'true',
      },
    });
    expect(() => fillIn(entry, {})).toThrow(
      expect.objectContaining({
        code: 'ORCH_MCP_CONFIG',
        details: { unset: ['GITHUB_PERSONAL_ACCESS_TOKEN'] },
      }),
    );
    expect(fillIn(entry, { GITHUB_PERSONAL_ACCESS_TOKEN: 'fake-token' })).toMatchObject({
      headers: { Authorization: 'Bearer fake-token' },
      secrets: ['fake-token'],
    });
  });

  test('serena is a start by uvx, and is left to it', () => {
    const spec = fillIn(presets.serena({ project: '/srv/project' }), {});
    expect(spec).toMatchObject({ command: 'uvx' });
    expect(resolveNpx(spec)).toMatchObject({ isDirect: false, spec });
  });
});
