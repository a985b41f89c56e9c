import path from 'node:path';
import { HooksError } from '../hooks-error.js';
import { isJsonObject, own, parseJson, type Json } from '../json.js';
import type { RefusedHook } from '../table/read-layers.js';
import type { RunnableHook } from '../trust/load-table.js';

// Not imported: part of `orch hook`, see `index.ts`.
const { readFileSync } = process.getBuiltinModule('node:fs');

/** A hook as it is written down: its matcher was found to be quick, and is read again when it is used. */
export type WrittenHook = Omit<RunnableHook, 'reads'>;

/** What `orch hook` knows of one project, or of all. */
export interface TableSection {
  /** Hooks of Claude Code sessions at or below this directory; null: of all. */
  readonly root: string | null;
  /** A `PATH` without places that agents can write. */
  readonly path: string;
  readonly hooks: readonly WrittenHook[];
  readonly refused: readonly RefusedHook[];
}

export const tableFile = (directory: string): string => path.join(directory, 'table.json');

/**
 * Reads what may run for sessions that orch did not start. No file means no hooks; one that cannot be read
 * throws `ORCH_HOOKS_APPROVAL`: what it would have forbidden is not known.
 */
export function readTableFile(directory: string): readonly TableSection[] {
  const file = tableFile(directory);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(file, error);
  }
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    throw unreadable(file, error);
  }
  const sections =
    isJsonObject(value) && own(value, 'version') === 1 ? own(value, 'sections') : undefined;
  if (!Array.isArray(sections) || !(sections as Json[]).every(isSection)) throw unreadable(file);
  return sections as readonly unknown[] as readonly TableSection[];
}

function isSection(value: Json): boolean {
  if (!isJsonObject(value)) return false;
  const root = own(value, 'root');
  return (
    (root === null || typeof root === 'string') &&
    typeof own(value, 'path') === 'string' &&
    isHooks(own(value, 'hooks'), ['id', 'event', 'matcher', 'source', 'where']) &&
    isHooks(own(value, 'refused'), ['where', 'message'])
  );
}

const isHooks = (value: Json | undefined, texts: readonly string[]): boolean =>
  Array.isArray(value) &&
  (value as Json[]).every(
    (hook) => isJsonObject(hook) && texts.every((key) => typeof own(hook, key) === 'string'),
  );

function unreadable(file: string, cause?: unknown): HooksError {
  return new HooksError(
    'ORCH_HOOKS_APPROVAL',
    `The table of hooks ${file} cannot be read. Make it anew: orch hooks install`,
    { details: { path: file }, cause },
  );
}
