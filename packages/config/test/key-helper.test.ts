import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { inspect } from 'node:util';
import { createProcessOwner } from '@orch/process';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createKeyHelper,
  createSettings,
  type KeyHelperOptions,
  type RunHelper,
} from '../src/index.js';
import { setScene } from './scene.js';

/** Real programs, surely ended. */
function realRunner(): RunHelper {
  const owner = createProcessOwner({ marker: `config-test-${randomUUID()}` });
  onTestFinished(async () => expect(await owner.close()).toEqual([]));
  return async (argv, signal) => {
    const running = await owner.start({ argv, cwd: '/', env: { PATH: process.env['PATH'] ?? '' } });
    signal.addEventListener('abort', () => void running.end());
    const ended = await running.ended;
    return { code: ended.code, stdout: ended.stdout.text };
  };
}

async function helper(
  argv: unknown,
  more: Partial<KeyHelperOptions> & { readonly tier?: string } = {},
) {
  const { tier = 'user', ...rest } = more;
  const value = { claude: { keyHelper: argv } } as never;
  const settings = await createSettings({
    sources: [{ tier, name: tier, value }],
    environment: {},
  }).load();
  return createKeyHelper({ settings, path: 'claude.keyHelper', run: realRunner(), ...rest });
}
const sh = (script: string): string[] => ['sh', '-c', script];
/** A program that prints a key and how often it ran. */
function counting() {
  const file = setScene().write('count', '');
  return {
    argv: sh(`echo x >> ${file}; printf ' fake-key-%s \\n' $(wc -l < ${file})`),
    runs: () => fs.readFileSync(file, 'utf8').length / 2,
  };
}

describe('a key helper', () => {
  it('runs once for callers at the same time, and again when its key is too old or was refused', async () => {
    const { argv, runs } = counting();
    let now = 0;
    const one = await helper(argv, { ttlMs: 1000, now: () => now });
    const keys = await Promise.all([one.key(), one.key(), one.key()]);
    expect(keys).toEqual(['fake-key-1', 'fake-key-1', 'fake-key-1']);
    now = 999;
    expect(await one.key()).toBe('fake-key-1');
    now = 1000;
    expect(await one.key()).toBe('fake-key-2');
    one.forget();
    expect(await one.key()).toBe('fake-key-3');
    expect(runs()).toBe(3);
    expect(one.secrets()).toEqual(['fake-key-1', 'fake-key-2', 'fake-key-3']);
  });

  it.each([
    ['exits with 3', sh('echo fake-leak-out; echo fake-leak-err >&2; exit 3'), /exit code 3/],
    ['prints nothing', sh('true'), /printed nothing/],
    ['prints two lines', sh('echo fake-leak-a; echo fake-leak-b'), /more than one line/],
    ['prints too much', sh('head -c 20000 /dev/zero | tr "\\0" x'), /too much/],
    ['is not there', ['/nonexistent/fake-leak'], /could not be run/],
  ])('that %s is a typed error without anything it printed', async (_what, argv, message) => {
    const error: unknown = await (await helper(argv)).key().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ORCH_CONFIG_HELPER', message });
    expect(inspect(error, { depth: 20 })).not.toMatch(/fake-leak-|xxxx/);
  });

  it('that hangs is given up and ended, and the next call tries again', async () => {
    const scene = setScene();
    const flag = scene.path('flag');
    const argv = sh(
      `if [ -e ${flag} ]; then echo fake-key; else touch ${flag}; exec sleep 600; fi`,
    );
    const one = await helper(argv, { timeoutMs: 1000 });
    await expect(one.key()).rejects.toMatchObject({ message: /did not end within 1000 ms/ });
    // The owner of the runner shows in the end that nothing is left.
    expect(await one.key()).toBe('fake-key');
  });

  it.each(['project', 'local'])('of the %s tier is not run', async (tier) => {
    const scene = setScene();
    const trace = scene.path('ran');
    const argv = sh(`touch ${trace}; echo fake-key`);
    await expect(helper(argv, { tier })).rejects.toMatchObject({
      code: 'ORCH_CONFIG_HELPER_UNTRUSTED',
    });
    expect(fs.existsSync(trace)).toBe(false);
    expect(await (await helper(argv)).key()).toBe('fake-key');
    expect(fs.existsSync(trace)).toBe(true);
  });

  it('of which a repository added one argument is not run', async () => {
    const settings = await createSettings({
      sources: [
        { tier: 'user', name: 'user', value: { helper: ['echo'] } },
        { tier: 'project', name: 'project', value: { helper: ['fake-key'] } },
      ],
      environment: {},
    }).load();
    expect(settings.merged).toEqual({ helper: ['echo', 'fake-key'] });
    expect(() => createKeyHelper({ settings, path: 'helper', run: realRunner() })).toThrow(
      expect.objectContaining({ code: 'ORCH_CONFIG_HELPER_UNTRUSTED' }),
    );
  });

  it.each([['echo key'], [[]], [['echo', 1]], [undefined]])('%j is no command', async (argv) => {
    await expect(helper(argv)).rejects.toMatchObject({ code: 'ORCH_CONFIG_HELPER' });
  });
});
