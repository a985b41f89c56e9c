import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { JsonlError, reasonOf, systemCode } from '../errors.js';
import { read } from '../read/reader.js';
import { asFields, asText } from './token-counts.js';

/** The files that one conversation of Claude Code is kept in. */
export interface TranscriptFiles {
  /** The transcript of the main thread; or of a sub-agent whose main thread is not there any more. */
  readonly main: string;
  /** Transcripts of its sub-agents, by name. */
  readonly agents: readonly string[];
}

/**
 * The transcripts at a path: one file, or everything below a directory (that of one project, or the
 * `projects` of a configuration directory, or that directory itself). Files of sub-agents go with the
 * conversation that started them, whether they lie in its directory or beside it.
 *
 * @throws JsonlError `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_READ_FAILED`
 */
export async function findTranscripts(path: string): Promise<readonly TranscriptFiles[]> {
  try {
    if ((await stat(path)).isDirectory()) return await findBelow(await projectsOf(path));
    return [{ main: path, agents: await agentsOf(path) }];
  } catch (cause) {
    if (JsonlError.isInstance(cause)) throw cause;
    const missing = systemCode(cause) === 'ENOENT';
    throw new JsonlError(
      missing ? 'ORCH_JSONL_NOT_FOUND' : 'ORCH_JSONL_READ_FAILED',
      missing
        ? `Cannot look for transcripts at ${path}: there is no such file or directory`
        : `Cannot look for transcripts at ${path}: ${reasonOf(cause)}`,
      { path },
      cause,
    );
  }
}

/** Of a configuration directory, where its transcripts are; other `.jsonl` files lie beside them. */
async function projectsOf(path: string): Promise<string> {
  const projects = join(path, 'projects');
  const found = await stat(projects).catch(() => undefined);
  return found?.isDirectory() ? projects : path;
}

async function findBelow(directory: string): Promise<readonly TranscriptFiles[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter(isTranscript).map(({ name }) => name);
  const mains = new Set(names.filter((name) => !isAgent(name)));
  const beside = new Map<string, string[]>();
  for (const name of names.filter(isAgent)) {
    const path = join(directory, name);
    const main = `${(await sessionOf(path)) ?? ''}.jsonl`;
    if (mains.has(main)) beside.set(main, [...(beside.get(main) ?? []), path]);
    else mains.add(name);
  }
  const found: TranscriptFiles[] = [];
  for (const name of [...mains].sort()) {
    const main = join(directory, name);
    found.push({ main, agents: [...(await agentsOf(main)), ...(beside.get(name) ?? [])].sort() });
  }
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    // The directory of a conversation holds its sub-agents and nothing that stands for itself.
    if (!entry.isDirectory() || mains.has(`${entry.name}.jsonl`)) continue;
    found.push(...(await findBelow(join(directory, entry.name))));
  }
  return found;
}

const isTranscript = (entry: Dirent): boolean => entry.isFile() && entry.name.endsWith('.jsonl');

const isAgent = (name: string): boolean => name.startsWith('agent-');

async function agentsOf(main: string): Promise<readonly string[]> {
  const directory = join(dirname(main), basename(main, '.jsonl'), 'subagents');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return [];
      throw error;
    },
  );
  return entries
    .filter((entry) => isTranscript(entry) && isAgent(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The conversation that the first line of a transcript which names one is of. */
export async function sessionOf(path: string): Promise<string | undefined> {
  // A file that is nothing but damage has as many faults as bytes, which nobody asks for here.
  for await (const value of read(path, { onCorrupt: () => undefined })) {
    const session = asText(asFields(value)?.['sessionId']);
    if (session !== undefined) return session;
  }
  return undefined;
}
