import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { GitDirectorySettings } from '../git/git-directory.js';
import type { GitAnswer, GitCall, RunGit } from '../git/run-git.js';
import { createSerial, type Serial } from '../git/serial.js';
import { layoutOf, type Layout } from '../layout.js';
import { WorkspaceError } from '../workspace-error.js';
import { locate, shellWord, type Location } from './locate.js';
import { checkStateDirectory, makeHub, probeFileSystem } from './state-directory.js';
import { readUserConfig, type UserConfig } from './user-config.js';

/** Who our own commits are by. */
export interface Identity {
  readonly name: string;
  readonly email: string;
}

/** A command on objects, and on the index and worktree that it names. It never reads the user's configuration. */
export interface HubCall extends GitCall {
  readonly worktree?: string;
  readonly index?: string;
}

/** The user's repository and our own git directory beside it. */
export interface Repository extends Location {
  readonly version: string;
  readonly layout: Layout;
  readonly identity: Identity;
  /** The object directory new objects go to, then those it borrows from. */
  readonly objectDirectories: readonly [string, ...string[]];
  readonly emptyTree: string;
  /** The id that stands for "no object". */
  readonly zero: string;
  /** What a git directory in the state directory needs to say. */
  readonly settings: GitDirectorySettings;
  /** Without any git directory. */
  readonly git: RunGit;
  /** On the user's own git directory: for refs, and nothing that reads files or runs drivers. */
  user(call: GitCall): Promise<GitAnswer>;
  /** On our git directory, whose objects are the user's. */
  hub(call: HubCall): Promise<GitAnswer>;
  userConfig(): Promise<UserConfig>;
  /** Part of it, for calls that write objects. */
  readonly objectConfig: UserConfig['objects'];
  /** A new empty directory; the caller removes it. */
  makeScratch(): string;
  readonly serial: Serial;
  /** Every value that this process gave to a ref, as `<ref> <value>`. */
  readonly written: Set<string>;
  /** Runs that this process serves: their refs are written by nobody else. */
  readonly runs: Set<string>;
  /** Told before each step that changes something. */
  step(name: string): Promise<void>;
}

export interface OpenOptions {
  /** A git whose home and usual place is the given directory. */
  readonly createGit: (home: string) => RunGit;
  readonly version: string;
  readonly repository: string;
  readonly stateDirectory: string;
  readonly identity: Identity;
  readonly onStep: ((step: string) => void | Promise<void>) | undefined;
}

const emptyTrees: Readonly<Record<string, string>> = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/** The user's object directory and all it borrows from; git itself follows five levels. */
function withAlternates(directory: string, depth = 0): string[] {
  const list = join(directory, 'info', 'alternates');
  if (depth > 5 || !existsSync(list)) return [directory];
  const borrowed = readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('"'))
    .map((line) => resolve(directory, line));
  return [directory, ...borrowed.flatMap((path) => withAlternates(path, depth + 1))];
}

function keyOf(commonDirectory: string): string {
  const place = basename(commonDirectory) === '.git' ? dirname(commonDirectory) : commonDirectory;
  const name = basename(place)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 32);
  const hash = createHash('sha256').update(commonDirectory).digest('hex').slice(0, 12);
  return name === '' ? hash : `${name}-${hash}`;
}

async function requireCommit(user: Repository['user'], root: string): Promise<void> {
  const { code } = await user({
    args: ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'],
    accept: [0, 1, 128],
  });
  if (code === 0) return;
  throw new WorkspaceError(
    'ORCH_GIT_NO_COMMITS',
    `The repository at ${root} has no commit yet to start from. Make the first one.`,
    {
      details: { root },
      next: `git -C ${shellWord(root)} commit --allow-empty -m 'Initial commit'`,
    },
  );
}

/** Finds the user's repository and sets up what we need beside it. */
export async function openRepository(options: OpenOptions): Promise<Repository> {
  const { createGit, identity } = options;
  const location = await locate(createGit('/'), options.repository);
  const { commonDirectory, gitDirectory, objectFormat } = location;
  const stateDirectory = checkStateDirectory(options.stateDirectory, location);
  const layout = layoutOf(stateDirectory, keyOf(commonDirectory));
  for (const directory of [layout.home, layout.scratch, layout.deliveries]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  const git = createGit(layout.home);
  const user = (call: GitCall): Promise<GitAnswer> =>
    git({ ...call, args: [`--git-dir=${gitDirectory}`, ...call.args] });
  await requireCommit(user, location.root);
  const settings = { objectFormat, core: await probeFileSystem(git, dirname(layout.home)) };
  makeHub(layout, settings, commonDirectory);
  const userConfig = (): Promise<UserConfig> => readUserConfig(git, gitDirectory, commonDirectory);
  const { objects: objectConfig } = await userConfig();
  const objectDirectory = join(commonDirectory, 'objects');
  return {
    ...location,
    version: options.version,
    layout,
    identity,
    objectDirectories: [objectDirectory, ...withAlternates(objectDirectory).slice(1)],
    emptyTree: emptyTrees[objectFormat] ?? '',
    zero: '0'.repeat(objectFormat === 'sha1' ? 40 : 64),
    settings,
    git,
    user,
    hub: ({ worktree, index, ...call }) =>
      git({
        ...call,
        args: [
          `--git-dir=${layout.hub}`,
          ...(worktree === undefined ? [] : [`--work-tree=${worktree}`]),
          ...call.args,
        ],
        // Without a worktree we stand in an empty directory, so that no attributes are found.
        cwd: call.cwd ?? worktree ?? layout.home,
        config: [...objectConfig, ...(call.config ?? [])],
        env: {
          GIT_OBJECT_DIRECTORY: objectDirectory,
          ...(index === undefined ? {} : { GIT_INDEX_FILE: index }),
          ...call.env,
        },
      }),
    userConfig,
    objectConfig,
    makeScratch: () => mkdtempSync(join(layout.scratch, 'at-')),
    serial: createSerial(),
    written: new Set(),
    runs: new Set(),
    async step(name) {
      await options.onStep?.(name);
    },
  };
}
