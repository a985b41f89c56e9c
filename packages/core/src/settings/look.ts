import type { JsonObject, Loaded } from '@orch/config';
import * as z from 'zod';
import { findMainWorktree } from '../main-worktree.js';
import { readSettings } from './read-settings.js';
import { settingsSchema, type OrchSettings } from './schema.js';

/** The settings that would apply in a directory. Needs no repository, executes nothing. */
export async function settingsIn(
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Loaded<OrchSettings>> {
  return readSettings({ root: await findMainWorktree(directory), environment });
}

/** The JSON Schema of settings files, for editors. */
export function settingsJsonSchema(): JsonObject {
  return z.toJSONSchema(settingsSchema, { target: 'draft-2020-12' }) as JsonObject;
}
