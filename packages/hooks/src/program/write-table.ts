import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { HookTable } from '../trust/load-table.js';
import { writeWhole } from '../write-whole.js';
import { readTableFile, tableFile, type TableSection } from './table-file.js';

/** Writes the section of one root and leaves the others alone. Throws `ORCH_HOOKS_APPROVAL`. */
export async function writeTableSection(
  directory: string,
  root: string | null,
  table: Pick<HookTable, 'hooks' | 'refused'>,
  searchPath: string,
): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unlock = await lock(path.join(directory, 'table.lock'));
  try {
    const others = readTableFile(directory).filter((section) => section.root !== root);
    const section: TableSection = {
      root,
      path: searchPath,
      hooks: table.hooks.map(({ reads: _reads, ...hook }) => hook),
      refused: table.refused,
    };
    const isEmpty = section.hooks.length === 0 && section.refused.length === 0;
    const value = { version: 1, sections: isEmpty ? others : [...others, section] };
    writeWhole(tableFile(directory), `${JSON.stringify(value)}\n`, 0o600);
  } finally {
    unlock();
  }
}

const staleMs = 10_000;

/** One writer at a time; a lock whose writer died is taken after ten seconds. */
async function lock(file: string): Promise<() => void> {
  for (;;) {
    try {
      closeSync(openSync(file, 'wx', 0o600));
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats !== undefined && Date.now() - stats.mtimeMs > staleMs) rmSync(file, { force: true });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
