import fs from 'node:fs/promises';
import { join } from 'node:path';

/** Longer names are cut by Claude Code, and end in something of its own. */
const longestKey = 200;

/**
 * True when a conversation that ran in `cwd` can be continued: its transcript is there, and has a message.
 * One that was killed before its first message has a transcript which Claude Code refuses.
 */
export async function canContinue(
  configDirectory: string,
  cwd: string,
  session: string,
): Promise<boolean> {
  const real = await fs.realpath(cwd).catch(() => cwd);
  const key = real.normalize('NFC').replace(/[^a-zA-Z0-9]/g, '-');
  const projects = join(configDirectory, 'projects');
  const names = await fs.readdir(projects).catch(() => []);
  for (const name of names) {
    const fits =
      name === key || (key.length > longestKey && name.startsWith(key.slice(0, longestKey)));
    if (!fits) continue;
    const text = await fs
      .readFile(join(projects, name, `${session}.jsonl`), 'utf8')
      .catch(() => '');
    if (/"type"\s*:\s*"(user|assistant)"/.test(text)) return true;
  }
  return false;
}
