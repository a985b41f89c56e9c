import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WorkspaceError } from '../workspace-error.js';

/** Whether a directory is there; throws when something else stands in its place, so that we never act elsewhere. */
export function ownDirectoryExists(directory: string): boolean {
  let found;
  try {
    found = lstatSync(directory);
  } catch {
    return false;
  }
  if (found.isDirectory()) return true;
  throw new WorkspaceError(
    'ORCH_WORKSPACE_REPLACED',
    `The workspace ${directory} is not a directory any more: something replaced it. Look at it, and remove it by hand.`,
    { details: { directory } },
  );
}

function makeRemovable(directory: string): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) makeRemovable(join(directory, entry.name));
  }
}

/** Removes a directory of ours with all in it; links in it are removed, not followed. */
export function removeDirectory(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOTEMPTY') throw error;
    makeRemovable(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}
