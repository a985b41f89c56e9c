import fs from 'node:fs/promises';
import { join } from 'node:path';
import { AgentsError } from '../agents-error.js';
import type { Json } from '../json.js';
import { settingsVisible, type ClaudeTurnRequest } from './request.js';
import { turnSettings } from './settings.js';

/** Files that a turn was prepared with. */
export interface TurnFiles {
  readonly settings: string;
  readonly systemPrompt: string | undefined;
  /** Tokens found in the linked login, to be kept out of every event. */
  readonly secrets: readonly string[];
}

/**
 * Creates the configuration directory and writes the files of the turn into it; only their owner can read
 * them. Throws `ORCH_AGENTS_CONFIG_DIRECTORY`, `ORCH_AGENTS_SETTINGS_VISIBLE`.
 */
export async function prepareConfigDirectory(request: ClaudeTurnRequest): Promise<TurnFiles> {
  const directory = request.configDirectory;
  await requireHiddenSettings(request);
  try {
    await fs.mkdir(join(directory, 'tmp'), { recursive: true, mode: 0o700 });
    await fs.chmod(directory, 0o700);
    const settings = join(directory, 'orch-settings.json');
    await writePrivate(settings, `${JSON.stringify(turnSettings(request), undefined, 2)}\n`);
    const systemPrompt =
      request.systemPrompt === undefined ? undefined : join(directory, 'orch-system-prompt.md');
    if (systemPrompt !== undefined) await writePrivate(systemPrompt, request.systemPrompt ?? '');
    const secrets = await linkLogin(directory, request.credentialsFile);
    return { settings, systemPrompt, secrets };
  } catch (cause) {
    throw new AgentsError(
      'ORCH_AGENTS_CONFIG_DIRECTORY',
      `The configuration directory ${directory} could not be prepared: ${String(cause)}. It must be a directory that this user may write.`,
      { details: { directory }, cause },
    );
  }
}

async function requireHiddenSettings(request: ClaudeTurnRequest): Promise<void> {
  if ((request.project ?? 'memory') !== 'memory' || request.settingsHidden === true) return;
  const path = join(request.cwd, '.claude', 'settings.json');
  const found = await fs.stat(path).catch(() => undefined);
  if (found !== undefined && found.size > 0) throw settingsVisible(path);
}

/** Writes a new file in place of an old one, never through a link that something left there. */
async function writePrivate(path: string, text: string): Promise<void> {
  await fs.rm(path, { force: true });
  await fs.writeFile(path, text, { mode: 0o600, flag: 'wx' });
}

/** Links a login, because refreshed tokens must reach the file that they came from. */
async function linkLogin(directory: string, file: string | undefined): Promise<string[]> {
  if (file === undefined) return [];
  const content = await fs.readFile(file, 'utf8');
  const link = join(directory, '.credentials.json');
  const linked = await fs.readlink(link).catch(() => undefined);
  if (linked !== file) {
    await fs.rm(link, { force: true });
    await fs.symlink(file, link);
  }
  return tokensIn(JSON.parse(content) as Json);
}

/** Strings that are long enough for tokens, wherever they stand. */
function tokensIn(value: Json): string[] {
  if (typeof value === 'string') return value.length >= 20 ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(tokensIn) : [];
}
