import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect, type StdioServerSpec } from '../../src/index.js';
import { fillIn, presets, resolveNpx } from '../../src/config/index.js';
import { temporaryDirectory, type Cleanup } from '../scene.js';
import { environment, installed } from '../servers/installed.js';

/** A package with one program, at a place of its own. */
function install(place: string, name: string, version: string, more: object = {}): string {
  const directory = join(place, 'node_modules', name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'cli.js'), '#!/usr/bin/env node\n');
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ name, version, bin: { cli: './cli.js' }, ...more }),
  );
  return join(directory, 'cli.js');
}
const npx = (...args: string[]): StdioServerSpec => ({ command: 'npx', args, env: { A: 'b' } });

function scene(onTestFinished: Cleanup) {
  const root = temporaryDirectory(onTestFinished);
  const cwd = join(root, 'project/deep');
  mkdirSync(cwd, { recursive: true });
  const cache = join(root, 'cache');
  const slot = join(cache, '_npx/0123456789abcdef');
  return {
    root,
    slot,
    resolve: (...args: string[]) =>
      resolveNpx(npx(...args), { cwd, environment: { npm_config_cache: cache } }),
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
    const { resolve, slot, project } = scene(onTestFinished);
    const program = install(slot, 'server', '2.0.0');
    install(project, 'server', '1.0.0');
    expect(resolve('server@2.0.0').spec).toMatchObject({ args: [program] });
    expect(resolve('server@2.0.1')).toMatchObject({ isDirect: false });
    expect(resolve('server').why).toBe('server@1.0.0');
  });

  test('is left to npx where that decides more', ({ onTestFinished }) => {
    const { resolve, slot } = scene(onTestFinished);
    install(slot, 'server', '2.0.0');
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
    const { root, slot, resolve } = scene(onTestFinished);
    install(slot, 'other-name', '1.0.0', { name: 'something-else' });
    install(slot, 'two-bins', '1.0.0', { bin: { a: './cli.js', b: './cli.js' } });
    install(slot, 'no-bin', '1.0.0', { bin: undefined });
    install(slot, 'leads-out', '1.0.0', { bin: '../../../../../secret.js' });
    writeFileSync(join(root, 'secret.js'), '#!/usr/bin/env node\n');
    const native = install(slot, 'native', '1.0.0');
    writeFileSync(native, '\u007fELF');
    const linked = install(slot, 'linked', '1.0.0', { bin: './link.js' });
    symlinkSync(join(root, 'secret.js'), join(dirname(linked), 'link.js'));
    for (const name of ['other-name', 'two-bins', 'no-bin', 'leads-out', 'native', 'linked'])
      expect([name, resolve(`${name}@1.0.0`).isDirect]).toEqual([name, false]);
    install(slot, 'named', '1.0.0', { bin: { other: './x.js', named: './cli.js' } });
    expect(resolve('named@1.0.0').isDirect).toBe(true);
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
