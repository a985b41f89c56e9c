import type { Repository } from '../repository/open.js';

/** What changed from `from` to `to`, as a patch. No attribute or configuration of either side hides anything of it. */
export async function patchOf(repository: Repository, from: string, to: string): Promise<string> {
  if (from === to) return '';
  const { stdout } = await repository.hub({
    args: ['diff-tree', '-r', '-M', '-p', '--no-ext-diff', '--no-textconv', from, to, '--'],
  });
  return stdout;
}
