import type { ChangedFile } from '../contract.js';
import { globPathspecs } from '../names.js';
import type { Repository } from '../repository/open.js';
import { lines, pathText, type QuotedPath } from './quoted-path.js';

/** One line of a raw diff between two trees. Modes are octal, `000000` where there is no file. */
export interface RawChange {
  readonly status: string;
  readonly from: { readonly mode: string; readonly id: string };
  readonly to: { readonly mode: string; readonly id: string };
  readonly path: QuotedPath;
  /** Path before, of a renamed file. */
  readonly before?: QuotedPath;
}

function parseRaw(line: string): RawChange {
  const [head = '', first = '', second] = line.slice(1).split('\t');
  const [fromMode = '', toMode = '', fromId = '', toId = '', status = ''] = head.split(' ');
  return {
    status: status.charAt(0),
    from: { mode: fromMode, id: fromId },
    to: { mode: toMode, id: toId },
    path: second ?? first,
    ...(second === undefined ? {} : { before: first }),
  };
}

/** Differences between two trees, without rename detection. */
export async function compareTrees(
  repository: Repository,
  from: string,
  to: string,
  pathspecs: readonly string[] = [],
): Promise<RawChange[]> {
  const { stdout } = await repository.hub({
    args: ['diff-tree', '-r', '--raw', '--no-abbrev', '--no-renames', from, to, '--', ...pathspecs],
  });
  return lines(stdout).map(parseRaw);
}

/** Differences between an index and a worktree; submodules are not entered. */
export async function compareWorktree(
  repository: Repository,
  worktree: string,
  index: string,
  config: readonly (readonly [string, string])[] = [],
): Promise<RawChange[]> {
  const { stdout } = await repository.hub({
    args: ['diff-files', '--raw', '--no-abbrev', '--ignore-submodules=all'],
    worktree,
    index,
    config,
  });
  return lines(stdout).map(parseRaw);
}

const statusNames: Readonly<Record<string, ChangedFile['status']>> = {
  A: 'added',
  M: 'modified',
  D: 'deleted',
  R: 'renamed',
  T: 'type_changed',
};

const count = (text: string | undefined): number | null =>
  text === undefined || text === '-' ? null : Number(text);

/** What changed from `base` to `commit`, with lines added and deleted; attributes of neither side hide anything. */
export async function listChanges(
  repository: Repository,
  base: string,
  commit: string,
): Promise<ChangedFile[]> {
  if (base === commit) return [];
  const { stdout } = await repository.hub({
    args: ['diff-tree', '-r', '-M', '--raw', '--numstat', '--no-abbrev', base, commit, '--'],
  });
  const raw = lines(stdout).filter((line) => line.startsWith(':'));
  const counts = lines(stdout).filter((line) => !line.startsWith(':'));
  return raw.map((line, at) => {
    const change = parseRaw(line);
    // Both lists are in the same order.
    const [added, deleted] = counts[at]?.split('\t') ?? [];
    return {
      path: pathText(change.path),
      ...(change.before === undefined ? {} : { before: pathText(change.before) }),
      status: statusNames[change.status] ?? 'modified',
      addedLines: count(added),
      deletedLines: count(deleted),
    };
  });
}

/** Changed paths that no glob of `writes` covers. A renamed file counts with both its paths. */
export async function listOutside(
  repository: Repository,
  base: string,
  commit: string,
  writes: readonly string[] | undefined,
): Promise<string[]> {
  if (writes === undefined) return [];
  const excluded = globPathspecs(writes, 'exclude,glob');
  if (base === commit) return [];
  const changes = await compareTrees(repository, base, commit, ['.', ...excluded]);
  return changes.map((change) => pathText(change.path));
}
