import type { Repository } from '../repository/open.js';
import { lines, type QuotedPath } from './quoted-path.js';

/** An entry of a tree, at any depth. */
export interface TreeEntry {
  /** Octal: `040000` a directory, `120000` a symbolic link, `160000` a submodule. */
  readonly mode: string;
  readonly id: string;
  readonly path: QuotedPath;
}

/** What a tree or commit holds: its directories and submodules, or its files, links and submodules. */
export async function listTree(
  repository: Repository,
  tree: string,
  what: 'directories' | 'files',
): Promise<TreeEntry[]> {
  const { stdout } = await repository.hub({
    args: ['ls-tree', '-r', ...(what === 'directories' ? ['-d'] : []), '--full-tree', tree],
  });
  return lines(stdout).map((line) => {
    const [head = '', path = ''] = line.split('\t');
    const [mode = '', , id = ''] = head.split(' ');
    return { mode, id, path };
  });
}
