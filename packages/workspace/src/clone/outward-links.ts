import { randomBytes } from 'node:crypto';
import { compareTrees } from '../git/changes.js';
import { pathText } from '../git/quoted-path.js';
import { listTree } from '../git/tree.js';
import type { Repository } from '../repository/open.js';

/** A symbolic link of a result that leads out of the repository, or into its git directory. */
export interface OutwardLink {
  readonly path: string;
  /** As it is written in the link. */
  readonly target: string;
}

const linkMode = '120000';
/** The longest chain that Linux follows. */
const mostLinks = 40;

interface Link {
  readonly id: string;
  readonly target: string;
}

/**
 * Contents of blobs, by id. What stands between two of them is a name that no blob could know of, so that
 * none can pass for the beginning of another.
 */
async function readBlobs(
  repository: Repository,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const between = `between-${randomBytes(16).toString('hex')}`;
  const { stdout } = await repository.hub({
    args: ['cat-file', '--batch', '--buffer'],
    input: ids.map((id) => `${id}\n${between}\n`).join(''),
  });
  const answers = stdout.split(`\n${between} missing\n`);
  return new Map(
    ids.map((id, position) => {
      const answer = answers[position] ?? '';
      return [id, answer.slice(answer.indexOf('\n') + 1)];
    }),
  );
}

/** All symbolic links of a tree, by path. */
async function readLinks(repository: Repository, tree: string): Promise<Map<string, Link>> {
  const entries = (await listTree(repository, tree, 'files')).filter(
    ({ mode }) => mode === linkMode,
  );
  const targets = await readBlobs(repository, [...new Set(entries.map(({ id }) => id))]);
  return new Map(
    entries.map(({ id, path }) => [pathText(path), { id, target: targets.get(id) ?? '' }]),
  );
}

/**
 * Whether a link leads out: followed as the kernel would, over other links of the same tree, since two that
 * stay inside may lead out together.
 */
function leavesTree(links: ReadonlyMap<string, Link>, path: string): boolean {
  const at: string[] = [];
  const open = path.split('/').reverse();
  let followed = 0;
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (at.pop() === undefined) return true;
      continue;
    }
    if (part.toLowerCase() === '.git') return true;
    at.push(part);
    const link = links.get(at.join('/'));
    if (link === undefined) continue;
    followed += 1;
    // Nobody can follow a circle.
    if (followed > mostLinks) return false;
    if (link.target.startsWith('/')) return true;
    at.pop();
    open.push(...link.target.split('/').reverse());
  }
  return false;
}

/** Links that lead out in `commit` and did not do so, from the same place to the same target, in `base`. */
export async function listOutwardLinks(
  repository: Repository,
  base: string,
  commit: string,
): Promise<OutwardLink[]> {
  if (base === commit) return [];
  const changes = await compareTrees(repository, base, commit);
  // A link may also lead elsewhere because a directory on its way became another link.
  if (!changes.some(({ to }) => to.mode === linkMode)) return [];
  const links = await readLinks(repository, commit);
  const outward = [...links].filter(([path]) => leavesTree(links, path));
  if (outward.length === 0) return [];
  const before = await readLinks(repository, base);
  return outward
    .filter(([path, { id }]) => before.get(path)?.id !== id || !leavesTree(before, path))
    .map(([path, { target }]) => ({ path, target }));
}
