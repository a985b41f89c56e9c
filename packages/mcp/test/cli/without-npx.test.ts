import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { programs } from '../scene.js';
import { startCli } from './host.js';

/** A project with a server that is written as `npx -y server@1.0.0`, and an `npx` that starts nothing and leaves a mark. */
function scene(isInstalled: boolean) {
  const cli = startCli({ one: { command: 'npx', args: ['-y', 'server@1.0.0'] } });
  const { cwd } = cli;
  writeFileSync(join(cwd, 'package.json'), '{}');
  const mark = join(cwd, 'npx was started');
  const bin = join(cwd, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'npx'), `#!/bin/sh\ntouch '${mark}'\nexit 3\n`);
  chmodSync(join(bin, 'npx'), 0o755);
  if (isInstalled) {
    const directory = join(cwd, 'node_modules/server');
    mkdirSync(directory, { recursive: true });
    mkdirSync(join(cwd, 'node_modules/.bin'));
    const manifest = { name: 'server', version: '1.0.0', type: 'module', bin: { one: './cli.js' } };
    writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
    const server = JSON.stringify(join(programs, 'fault-server.mjs'));
    writeFileSync(join(directory, 'cli.js'), `#!/usr/bin/env node\nimport ${server};\n`);
    symlinkSync('../server/cli.js', join(cwd, 'node_modules/.bin/one'));
  }
  const environment = { PATH: `${bin}:${process.env['PATH']}` };
  return {
    run: (...words: string[]) => cli.run(words, { environment }),
    isNpxStarted: () => existsSync(mark),
  };
}

describe('a server that is written with npx', () => {
  test('is started by Node where it is certain what npx would start, and approved as it is written', async () => {
    const { run, isNpxStarted } = scene(true);
    expect(await run('call', 'one', 'good', 'say=here')).toMatchObject({ code: 0, out: 'here' });
    expect(isNpxStarted()).toBe(false);
    expect((await run('list')).out).toBe('one  stdio  npx -y server@1.0.0  project');
  });

  test('is started by npx where it is not', async () => {
    const { run, isNpxStarted } = scene(false);
    expect(await run('call', 'one', 'good')).toMatchObject({ code: 7 });
    expect(isNpxStarted()).toBe(true);
  });
});
