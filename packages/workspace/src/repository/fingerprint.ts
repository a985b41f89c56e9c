import { resolve } from 'node:path';
import type { Fingerprint, ForeignChange } from '../contract.js';
import { contains } from '../git/commits.js';
import { listRefs } from '../git/refs.js';
import { WorkspaceError } from '../workspace-error.js';
import { compareConfigKeys, digestConfigKeys, type ConfigKeys } from './config-keys.js';
import type { Repository } from './open.js';
import { digestWatchedFiles } from './watched-files.js';

interface Taken {
  readonly files: Readonly<Record<string, string>>;
  readonly config: ConfigKeys;
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
    config: await digestConfigKeys(repository),
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

/** A changed configuration file, key by key where that can be told. */
async function changedConfig(
  repository: Repository,
  before: ConfigKeys,
  path: string,
): Promise<ForeignChange[]> {
  const keys = await compareConfigKeys(repository, before, path);
  if (keys === undefined) return [changedFile(path, 'changed')];
  return ([false, true] as const).flatMap((harmless) => {
    const some = keys.filter((change) => change.harmless === harmless);
    if (some.length === 0) return [];
    const told = some.map(({ key, verb }) => `${key} was ${verb}`).join(', ');
    return [
      {
        what: 'config',
        detail: `in ${path}: ${told}`,
        weight: harmless ? 'noted' : 'tampered',
      } as const,
    ];
  });
}

/** The run that a ref of ours, or the branch of its delivery, belongs to. */
const runOf = (ref: string): string | undefined =>
  /^refs\/orch\/[^/]+\/([^/]+)/.exec(ref)?.[1] ?? /^refs\/heads\/orch[-/]([^/]+)$/.exec(ref)?.[1];

/**
 * Weighs the change of one ref. Results and deliveries are proven by our refs, and lost when the target of a
 * delivery goes back; what the user does with other branches, tags and remotes is daily work.
 */
async function weigh(
  repository: Repository,
  targets: readonly string[],
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
  // With these, git shows other objects than those that are there.
  if (ref.startsWith('refs/replace/')) return change('was written', 'tampered');
  const guarded = ours || targets.includes(ref) || (run !== undefined && repository.runs.has(run));
  const loose = guarded ? 'tampered' : 'noted';
  if (now === undefined) return change('was deleted', loose);
  if (before === undefined) return change('was created', 'noted');
  if (!ref.startsWith('refs/heads/') && !ours) return change('was moved', loose);
  let forward = false;
  try {
    forward = await contains(repository, now, before);
  } catch (error) {
    if (!WorkspaceError.isInstance(error)) throw error;
  }
  return forward ? change('moved forward', 'noted') : change('was rewound', loose);
}

/** Another run writes many refs while it goes on; together they are one thing to know. */
const wentOnBeside = (run: string, refs: readonly string[]): ForeignChange => ({
  what: 'refs',
  detail:
    refs.length === 1
      ? `${refs[0] ?? ''} of run ${run} was written`
      : `${refs.length} refs of run ${run} were written, ${refs[0] ?? ''} the first`,
  weight: 'noted',
});

function differences(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => before[name] !== now[name]).sort();
}

/**
 * What changed in the user's repository since, other than by this process. `targets`: full names of the
 * branches that the run delivers to.
 */
export async function compareFingerprint(
  repository: Repository,
  fingerprint: Fingerprint,
  targets: readonly string[],
): Promise<ForeignChange[]> {
  const before = fingerprint as unknown as Taken;
  const now = await take(repository);
  const changes: ForeignChange[] = [];
  for (const path of differences(before.files, now.files)) {
    if (now.files[path] === undefined) changes.push(changedFile(path, 'deleted'));
    else if (before.files[path] === undefined) changes.push(changedFile(path, 'created'));
    else changes.push(...(await changedConfig(repository, before.config, path)));
  }
  const beside = new Map<string, readonly string[]>();
  for (const ref of differences(before.refs, now.refs)) {
    const value = now.refs[ref];
    if (repository.written.has(`${ref} ${value ?? ''}`)) continue;
    const change = await weigh(repository, targets, ref, before.refs[ref], value);
    const run = runOf(ref);
    if (run !== undefined && change.weight === 'noted') {
      beside.set(run, [...(beside.get(run) ?? []), ref]);
    } else changes.push(change);
  }
  for (const [run, refs] of beside) changes.push(wentOnBeside(run, refs));
  if (before.head !== now.head) {
    changes.push({
      what: 'refs',
      detail: `HEAD was switched from ${before.head} to ${now.head}`,
      weight: 'noted',
    });
  }
  return changes;
}
