import { resolve } from 'node:path';
import type { Fingerprint, ForeignChange } from '../contract.js';
import { contains } from '../git/commits.js';
import { listRefs } from '../git/refs.js';
import { WorkspaceError } from '../workspace-error.js';
import type { Repository } from './open.js';
import { digestWatchedFiles } from './watched-files.js';

interface Taken {
  readonly files: Readonly<Record<string, string>>;
  readonly refs: Readonly<Record<string, string>>;
  readonly head: string;
}

async function take(repository: Repository): Promise<Taken> {
  const { hooksPath } = await repository.userConfig();
  const head = await repository.user({
    args: ['symbolic-ref', '--quiet', 'HEAD'],
    accept: [0, 1, 128],
  });
  return {
    files: digestWatchedFiles(
      repository.commonDirectory,
      hooksPath === undefined ? undefined : resolve(repository.root, hooksPath),
    ),
    refs: Object.fromEntries(await listRefs(repository)),
    head: head.stdout.trim() || 'detached',
  };
}

/** Takes the state of the user's repository that must not change while an attempt runs. Plain data. */
export async function takeFingerprint(repository: Repository): Promise<Fingerprint> {
  return { ...(await take(repository)) };
}

function changedFile(path: string, verb: string): ForeignChange {
  const hook = path.startsWith('..') || /(^|\/)hooks\//.test(path);
  return {
    what: hook ? 'hooks' : 'config',
    detail: `${path} was ${verb}`,
    // Hooks in the worktree are files like others: they change when the user switches branches.
    weight: path.startsWith('..') ? 'noted' : 'tampered',
  };
}

/** The run that a ref of ours belongs to. */
const runOf = (ref: string): string | undefined => /^refs\/orch\/[^/]+\/([^/]+)/.exec(ref)?.[1];

async function weigh(
  repository: Repository,
  ref: string,
  before: string | undefined,
  now: string | undefined,
): Promise<ForeignChange> {
  const change = (verb: string, weight: ForeignChange['weight']): ForeignChange => ({
    what: 'refs',
    detail: `${ref} ${verb} (${before ?? 'nothing'} to ${now ?? 'nothing'})`,
    weight,
  });
  const ours = ref.startsWith('refs/orch/');
  const run = runOf(ref);
  if (ours && (run === undefined || repository.runs.has(run))) {
    return change('was written by somebody else', 'tampered');
  }
  // What remote branches and the stash do is the user's daily work, also backwards.
  const loose = ref.startsWith('refs/remotes/') || ref === 'refs/stash';
  if (now === undefined) return change('was deleted', loose ? 'noted' : 'tampered');
  if (before === undefined) return change('was created', 'noted');
  if (loose) return change('was moved', 'noted');
  let forward = false;
  try {
    forward = !ref.startsWith('refs/tags/') && (await contains(repository, now, before));
  } catch (error) {
    if (!WorkspaceError.isInstance(error)) throw error;
  }
  return forward ? change('moved forward', 'noted') : change('was rewound', 'tampered');
}

function differences(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => before[name] !== now[name]).sort();
}

/** What changed in the user's repository since, other than by this process. */
export async function compareFingerprint(
  repository: Repository,
  fingerprint: Fingerprint,
): Promise<ForeignChange[]> {
  const before = fingerprint as unknown as Taken;
  const now = await take(repository);
  const changes = differences(before.files, now.files).map((path) => {
    if (now.files[path] === undefined) return changedFile(path, 'deleted');
    return changedFile(path, before.files[path] === undefined ? 'created' : 'changed');
  });
  for (const ref of differences(before.refs, now.refs)) {
    const value = now.refs[ref];
    if (repository.written.has(`${ref} ${value ?? ''}`)) continue;
    changes.push(await weigh(repository, ref, before.refs[ref], value));
  }
  if (before.head !== now.head) {
    changes.push({
      what: 'refs',
      detail: `HEAD was switched from ${before.head} to ${now.head}`,
      weight: 'noted',
    });
  }
  return changes;
}
