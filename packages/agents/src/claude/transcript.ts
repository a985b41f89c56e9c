import fs from 'node:fs/promises';
import { join } from 'node:path';
import { asList, asObject, asString, type Json } from '../json.js';

/** Longer names are cut by Claude Code, and end in something of its own. */
const longestKey = 200;

/** What the transcript of a conversation holds. */
export interface Transcript {
  /** Whether somebody has said this, word for word, to the agent. */
  heard(message: string): boolean;
}

/**
 * The transcript of a conversation that ran in `cwd`, if it can be continued: it is there, and has a message.
 * One that was killed before its first message has a transcript which Claude Code refuses.
 */
export async function readTranscript(
  configDirectory: string,
  cwd: string,
  session: string,
): Promise<Transcript | undefined> {
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
    if (!/"type"\s*:\s*"(user|assistant)"/.test(text)) continue;
    return { heard: (message) => text.split('\n').some((line) => isSaid(line, message.trim())) };
  }
  return undefined;
}

function isSaid(line: string, message: string): boolean {
  const entry = asObject(parse(line));
  if (entry?.['type'] !== 'user') return false;
  const content = asObject(entry['message'])?.['content'];
  const texts = asString(content) ?? asList(content).map((part) => asObject(part)?.['text']);
  return [texts].flat().some((text) => asString(text)?.trim() === message);
}

/** A line that was cut off by a kill says nothing. */
function parse(line: string): Json | undefined {
  try {
    return JSON.parse(line) as Json;
  } catch {
    return undefined;
  }
}
