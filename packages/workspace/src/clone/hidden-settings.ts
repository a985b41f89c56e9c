import { lstatSync, realpathSync, rmSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { lines, pathBytes, quotePath, type QuotedPath } from '../git/quoted-path.js';
import type { Repository } from '../repository/open.js';
import type { Parked, Place } from './records.js';
import { lookAt } from './snapshot.js';

/** Files by which a repository gives orders to an agent program. */
const settingsFiles = ['.claude/settings.json', '.claude/settings.local.json', '.mcp.json'];

/**
 * The path that must go so that `path` cannot be read: itself, or where a linked directory leads to
 * inside the workspace, or the link if that leads out of it.
 */
function pathToHide(worktree: string, path: string): string {
  const root = realpathSync(worktree);
  const parts = path.split('/');
  let at = '';
  for (const [position, part] of parts.entries()) {
    at = at === '' ? part : `${at}/${part}`;
    if (position === parts.length - 1) break;
    try {
      if (!lstatSync(join(root, at)).isSymbolicLink()) continue;
      const target = relative(root, realpathSync(join(root, at)));
      if (target === '..' || target.startsWith(`..${sep}`) || isAbsolute(target)) return at;
      at = target;
    } catch {
      // Absent, or a link to nothing: the rest cannot be there.
      return [at, ...parts.slice(position + 1)].join('/');
    }
  }
  return at;
}

async function listEntries(
  repository: Repository,
  index: string,
  pathspecs: readonly string[],
): Promise<Parked[]> {
  const { stdout } = await repository.hub({
    args: ['ls-files', '--stage', '--', ...pathspecs],
    index,
  });
  return lines(stdout).map((line) => {
    const [head = '', path = ''] = line.split('\t');
    const [mode = '', id = ''] = head.split(' ');
    return { mode, id, path };
  });
}

export interface Hidden {
  readonly hidden: readonly QuotedPath[];
  readonly parked: readonly Parked[];
}

/**
 * Takes the settings files out of a workspace. One that is not as in `index` was made by the agent: its
 * content is parked, so that the result shows it although the next attempt does not obey it.
 */
export async function hideSettings(
  repository: Repository,
  place: Place,
  before: Hidden,
): Promise<Hidden> {
  const worktree = place.directory;
  const paths = settingsFiles.map((path) => pathToHide(worktree, path));
  const tracked = await listEntries(
    repository,
    place.index,
    paths.map((path) => `:(icase,literal)${path}`),
  );
  const hidden = new Set([
    ...before.hidden,
    ...tracked.filter(({ mode }) => mode !== '160000').map(({ path }) => path),
  ]);
  const present = [...new Set([...hidden, ...paths.map((path) => quotePath(path))])].filter(
    (path) => ['file', 'link'].includes(lookAt(worktree, path) ?? ''),
  );
  const parked = new Map(before.parked.map((entry) => [entry.path, entry]));
  if (present.length > 0) {
    const scratch = repository.makeScratch();
    const index = join(scratch, 'index');
    try {
      await repository.hub({
        args: ['update-index', '--add', '--stdin'],
        input: present.map((path) => `${path}\n`).join(''),
        worktree,
        index,
      });
      for (const entry of await listEntries(repository, index, [])) {
        const same = tracked.find(({ path }) => path === entry.path);
        if (same?.id !== entry.id || same.mode !== entry.mode) parked.set(entry.path, entry);
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
  for (const path of present) {
    rmSync(Buffer.concat([Buffer.from(`${worktree}/`), pathBytes(path)]), { force: true });
  }
  return { hidden: [...hidden], parked: [...parked.values()] };
}
