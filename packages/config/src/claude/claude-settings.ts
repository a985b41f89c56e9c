import type { JsonObject } from '../json.js';
import { createSettings, type Settings } from '../settings.js';
import type { Source, Tier } from '../source.js';
import { claudeFiles, type ClaudePlaces } from './files.js';
import { admitClaudeSettings } from './shape.js';

/** Low to high, as Claude Code has them. */
export const claudeTiers: readonly Tier[] = [
  { name: 'user' },
  { name: 'project' },
  { name: 'local' },
  { name: 'flag' },
  { name: 'managed' },
];

export interface ClaudeSettingsOptions extends ClaudePlaces {
  /** What `--settings` is given: a file, or the settings themselves. */
  readonly flag?: string | JsonObject;
  /** What `--setting-sources` names. @default all three */
  readonly settingSources?: readonly ('user' | 'project' | 'local')[];
}

/**
 * The settings files of Claude Code, merged as it merges them: managed > flag > local > project > user; a file
 * with a fault is dropped, and what Claude Code leaves out of a file is left out. Problems are warnings that
 * say what Claude Code does not say; a policy that cannot be parsed is an error, as Claude Code refuses to start.
 *
 * Not as Claude Code has it: `availableModels` of a policy joins the lists of other files here and replaces
 * them there; a file with a key `__proto__` is dropped here, the key alone there. Policies of a server, of
 * the registry and of MDM are not read.
 */
export function createClaudeSettings(options: ClaudeSettingsOptions): Settings<JsonObject> {
  const files = claudeFiles(options);
  const { flag, settingSources = ['user', 'project', 'local'] } = options;
  const file = (tier: string, path: string): Source => ({ tier, file: path, format: 'json' });
  return createSettings<JsonObject>({
    tiers: claudeTiers,
    sources: [
      ...settingSources.map((tier) => file(tier, files[tier])),
      ...(flag === undefined
        ? []
        : [
            typeof flag === 'string'
              ? file('flag', flag)
              : { tier: 'flag', name: '--settings', value: flag },
          ]),
      file('managed', files.managed),
      { tier: 'managed', directory: files.managedDropIns, endings: ['.json'] },
    ],
    variables: 'off',
    duplicates: 'last',
    sameItems: 'scalars',
    whole: ['fallbackModel'],
    badFiles: (tier) => (tier === 'managed' ? 'refuse' : 'drop'),
    admit: admitClaudeSettings,
  });
}
