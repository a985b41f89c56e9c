import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHookLayers } from '../../src/hooks/read-hook-layers.js';
import { readSettings } from '../../src/settings/read-settings.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'orch-hook-layers-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const write = (name: string, text: string): void => {
  const file = path.join(home, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
};
const places = () => ({
  root: path.join(home, 'repository'),
  environment: { HOME: home },
  managedDirectory: path.join(home, 'etc'),
});
const hook = (line: string): string =>
  `hooks:\n  PreToolUse:\n    - hooks:\n        - { type: command, command: '${line}' }\n`;
const said = (line: string) => ({
  PreToolUse: [{ hooks: [{ type: 'command', command: line }] }],
});

describe('the hooks of settings', () => {
  it('stand by tier, drop-ins of the policy too, and nothing in them is filled in', async () => {
    write('.config/orch/settings.yaml', hook('echo ${HOME:-x}'));
    write('repository/orch.settings.yaml', hook('echo ${NOT_SET}'));
    write('etc/settings.d/10.yaml', hook('audit'));
    const { layers } = await readHookLayers(places());
    expect(layers.map(({ tier, hooks }) => [tier, hooks])).toEqual([
      ['user', said('echo ${HOME:-x}')],
      ['project', said('echo ${NOT_SET}')],
      ['managed', said('audit')],
    ]);
    const { value, problems } = await readSettings(places());
    expect(problems).toEqual([]);
    expect(value?.hooks?.['PreToolUse']).toHaveLength(3);
  });

  it('of a repository get no policy; control: those of a user do', async () => {
    const policy = 'hookPolicy:\n  shell: [make]\n  hosts: [example.com]\n';
    write('repository/orch.settings.yaml', policy);
    expect((await readHookLayers(places())).policy).toEqual({ shell: [], hosts: [] });
    expect((await readSettings(places())).value?.hookPolicy).toBeUndefined();
    write('.config/orch/settings.yaml', policy);
    const { policy: mine } = await readHookLayers(places());
    expect(mine).toEqual({ shell: ['make'], hosts: ['example.com'] });
  });

  it('of a file that cannot be read are a layer that says so, with its place', async () => {
    write('etc/settings.yaml', 'hooks: {\n');
    const { layers } = await readHookLayers(places());
    expect(layers).toMatchObject([{ tier: 'managed', hooks: undefined }]);
    expect(layers[0]?.problem).toMatch(/^line 2, column \d+: /);
  });
});
