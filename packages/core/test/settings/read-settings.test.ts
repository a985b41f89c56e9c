import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKeySource } from '../../src/settings/key-source.js';
import { settingsJsonSchema } from '../../src/settings/look.js';
import { readSettings } from '../../src/settings/read-settings.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'orch-settings-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const write = (name: string, text: string): void => {
  const file = path.join(home, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
};
const environment = () => ({ HOME: home, PATH: process.env['PATH'] });
const load = (more: Readonly<Record<string, string>> = {}) =>
  readSettings({
    root: path.join(home, 'repository'),
    environment: { ...environment(), ...more },
    managedDirectory: path.join(home, 'etc'),
  });
const mine = '.config/orch/settings.yaml';

describe('the tiers of orch', () => {
  it('policy > session > local > project > user, drop-ins after the policy itself', async () => {
    const files = [
      [mine, 1],
      ['repository/orch.settings.yaml', 2],
      ['repository/.orch/settings.local.yaml', 3],
      ['session.yaml', 4],
      ['etc/settings.yaml', 5],
      ['etc/settings.d/10.yaml', 6],
    ] as const;
    for (const [file, parallel] of files) {
      write(file, `parallel: ${parallel}\n`);
      const { value } = await load({ ORCH_SETTINGS: path.join(home, 'session.yaml') });
      expect(value).toEqual({ parallel });
    }
  });

  it('a repository passes no variable and starts no program; a policy forbids for everybody', async () => {
    write(mine, 'environment: { pass: [MINE, SHARED] }\n');
    write(
      'repository/orch.settings.yaml',
      'environment: { pass: [THEIRS] }\nclaude: { executable: ./evil, keyHelper: [./evil] }\n',
    );
    write('etc/settings.yaml', 'environment: { deny: [SHARED] }\n');
    const { value, problems } = await load();
    expect(value).toEqual({ environment: { pass: ['MINE'], deny: ['SHARED'] }, claude: {} });
    expect(problems.map(({ path: where, code }) => [where, code])).toEqual([
      ['environment.pass[0]', 'ORCH_CONFIG_WIDENS'],
      ['claude.executable', 'ORCH_CONFIG_WIDENS'],
      ['claude.keyHelper', 'ORCH_CONFIG_WIDENS'],
    ]);
  });

  it('the schema for editors refuses what the settings refuse', () => {
    expect(settingsJsonSchema()).toMatchObject({
      additionalProperties: false,
      properties: { claude: { additionalProperties: false } },
    });
  });
});

describe('the key helper', () => {
  it('is a real program of the user, with nothing of the environment but the usual', async () => {
    write(mine, 'claude: { keyHelper: [sh, -c, "echo fake-key-$SECRET_THING"] }\n');
    const settings = await load();
    const source = createKeySource(settings, { ...environment(), SECRET_THING: 'leaked' });
    expect(await source.key()).toBe('fake-key-');
  });

  it('that fails says so without what it printed', async () => {
    write(mine, 'claude: { keyHelper: [sh, -c, "echo fake-key; exit 4"] }\n');
    const source = createKeySource(await load(), environment());
    await expect(source.key()).rejects.toMatchObject({
      code: 'ORCH_CONFIG_HELPER',
      message: 'The key helper at claude.keyHelper ended with exit code 4.',
    });
  });

  it('whose time is over before it was started is not started', async () => {
    write(mine, 'claude: { keyHelper: [sh, -c, "echo asked >> $HOME/log; echo fake-key"] }\n');
    const source = createKeySource(await load(), environment());
    let late = (): void => undefined;
    const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementationOnce((callback) => {
      late = callback;
      return setTimeout(() => undefined);
    });
    const first = source.key();
    timers.mockRestore();
    late();
    await expect(first).rejects.toThrow('did not end within');
    // What was started before this one has written its line when this one has answered.
    expect(await source.key()).toBe('fake-key');
    expect(readFileSync(path.join(home, 'log'), 'utf8')).toBe('asked\n');
  });
});
