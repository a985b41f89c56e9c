import { createSettings, type Loaded } from '@orch/config';
import { settingsSchema, type OrchSettings } from './schema.js';
import { settingsGuards, settingsSources, type SettingsPlaces } from './sources.js';

export type { OrchSettings };

/** Reads the settings of every tier. What is wrong with them is in the result; nothing is executed. */
export function readSettings(places: SettingsPlaces): Promise<Loaded<OrchSettings>> {
  return createSettings<OrchSettings>({
    sources: settingsSources(places),
    schema: settingsSchema,
    guards: settingsGuards,
    literal: ['hooks', 'hookPolicy'],
    environment: places.environment,
  }).load();
}
