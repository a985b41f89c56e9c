import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { shellWord } from '../repository/locate.js';
import type { Obstacle } from './obstacles.js';

/** More files than this are not moved by one line. */
const mostMoved = 20;

function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** A name beside a file that is free. */
function freeName(file: string): string {
  for (let number = 1; ; number += 1) {
    const name = `${file}.mine${number === 1 ? '' : number}`;
    if (!isThere(name)) return name;
  }
}

/**
 * The line by which a person merges `result` into the branch that is checked out in `path`. It first makes
 * room where git would refuse: untracked files are moved beside themselves, changes to the same files go to
 * the stash and come back (what does not come back without a conflict stays in the stash).
 */
export function mergeCommand(path: string, result: string, obstacle: Obstacle | undefined): string {
  const git = `git -C ${shellWord(path)}`;
  const { untracked = [], overlaps = false } = obstacle ?? {};
  const merge = `${git} merge ${overlaps ? '--autostash ' : ''}${result}`;
  if (untracked.length > mostMoved) return merge;
  const moves = untracked.map((name) => {
    const file = join(path, name);
    return `mv -n ${shellWord(file)} ${shellWord(freeName(file))}`;
  });
  return [...moves, merge].join(' && ');
}
