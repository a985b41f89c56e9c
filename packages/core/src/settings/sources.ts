import { homedir } from 'node:os';
import path from 'node:path';
import type { Guard, Source } from '@orch/config';

type Environment = Readonly<Record<string, string | undefined>>;

export interface SettingsPlaces {
  /** The main worktree; without a repository there are no settings of a project. */
  readonly root: string | undefined;
  readonly environment: Environment;
  /** @default /etc/orch */
  readonly managedDirectory?: string;
}

/** Where settings lie, low to high. */
export function settingsSources(places: SettingsPlaces): readonly Source[] {
  const { root, environment, managedDirectory = '/etc/orch' } = places;
  const session = environment['ORCH_SETTINGS'];
  return [
    { tier: 'user', file: userSettingsFile(environment) },
    ...(root === undefined
      ? []
      : [
          { tier: 'project', file: path.join(root, 'orch.settings.yaml'), within: root },
          { tier: 'local', file: path.join(root, '.orch', 'settings.local.yaml'), within: root },
        ]),
    ...(session ? [{ tier: 'session', file: path.resolve(session) }] : []),
    { tier: 'managed', file: path.join(managedDirectory, 'settings.yaml') },
    { tier: 'managed', directory: path.join(managedDirectory, 'settings.d') },
  ];
}

/** `$XDG_CONFIG_HOME/orch/settings.yaml`, else `~/.config/orch/settings.yaml`. */
function userSettingsFile(environment: Environment): string {
  const xdg = environment['XDG_CONFIG_HOME'];
  const base =
    xdg !== undefined && path.isAbsolute(xdg)
      ? xdg
      : path.join(environment['HOME'] || homedir(), '.config');
  return path.join(base, 'orch', 'settings.yaml');
}

/** What a repository may narrow and never widen. */
export const settingsGuards: readonly Guard[] = [
  { path: 'environment.pass', kind: 'grants' },
  { path: 'environment.deny', kind: 'denials', of: 'environment.pass' },
  { path: 'claude.executable', kind: 'trusted' },
  { path: 'claude.keyHelper', kind: 'trusted' },
  { path: 'hookPolicy', kind: 'trusted' },
];
