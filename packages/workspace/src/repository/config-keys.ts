import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Repository } from './open.js';

/** Names of the configuration files whose keys are compared one by one. */
const names = ['config', 'config.worktree'] as const;

/** Digests of the values of each key, by file: values may hold secrets, so they are not kept. */
export type ConfigKeys = Readonly<Record<string, Readonly<Record<string, string>>>>;

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The values of each key of a configuration file, in order; files that it includes are not followed. */
async function readValues(
  repository: Repository,
  file: string,
): Promise<Map<string, string[]> | undefined> {
  const answer = await repository.git({
    args: ['config', '--file', file, '--no-includes', '--list', '-z'],
    accept: [0, 1, 3, 128],
  });
  if (answer.code !== 0) return undefined;
  const values = new Map<string, string[]>();
  for (const entry of answer.stdout.split('\0').slice(0, -1)) {
    const cut = entry.indexOf('\n');
    // A key without a value means true.
    const [key, value] = cut < 0 ? [entry, 'true'] : [entry.slice(0, cut), entry.slice(cut + 1)];
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  return values;
}

async function readAll(repository: Repository): Promise<Map<string, Map<string, string[]>>> {
  const found = new Map<string, Map<string, string[]>>();
  for (const name of names) {
    const file = join(repository.commonDirectory, name);
    if (!existsSync(file)) continue;
    const values = await readValues(repository, file);
    // One that git cannot read is compared as a whole.
    if (values !== undefined) found.set(name, values);
  }
  return found;
}

/** Takes the keys of the repository's configuration files, as plain data. */
export async function digestConfigKeys(repository: Repository): Promise<ConfigKeys> {
  const found = await readAll(repository);
  return Object.fromEntries(
    [...found].map(([name, values]) => [
      name,
      Object.fromEntries([...values].map(([key, list]) => [key, hash(list.join('\0'))])),
    ]),
  );
}

/** A key with a new value, or without the old one. */
export interface ConfigKeyChange {
  readonly key: string;
  readonly verb: 'set' | 'changed' | 'removed';
  /** Whether nothing but the user's own comfort hangs on it. */
  readonly harmless: boolean;
}

/** What `git branch`, `git push -u` and `git checkout --track` write about a branch, and what git reads of it. */
function isBranchSetting(
  key: string,
  values: readonly string[] | undefined,
  remotes: ReadonlySet<string>,
): boolean {
  const variable = /^branch\..+\.([^.]+)$/s.exec(key)?.[1];
  // Options of every later merge of the branch, strategies among them, which are programs.
  if (variable === undefined || variable === 'mergeoptions') return false;
  if (variable !== 'remote' && variable !== 'pushremote') return true;
  // It may also be a URL: then a later pull or push goes to where nobody had configured it.
  return (values ?? []).every((value) => value === '.' || remotes.has(value));
}

const comfort = /^(?:advice|color)\./;

/** Names of the remotes of a configuration. */
const remotesOf = (keys: Readonly<Record<string, string>> | undefined): ReadonlySet<string> =>
  new Set(Object.keys(keys ?? {}).flatMap((key) => /^remote\.(.+)\.url$/s.exec(key)?.[1] ?? []));

/**
 * What changed in a configuration file since `before`, key by key. `undefined`: that cannot be told, because
 * the file was not there, is not there any more, or cannot be read.
 */
export async function compareConfigKeys(
  repository: Repository,
  before: ConfigKeys,
  name: string,
): Promise<readonly ConfigKeyChange[] | undefined> {
  const known = before[name];
  const now = (await readAll(repository)).get(name);
  if (known === undefined || now === undefined) return undefined;
  const remotes = remotesOf(before['config']);
  const changes: ConfigKeyChange[] = [];
  for (const key of [...new Set([...Object.keys(known), ...now.keys()])].sort()) {
    const values = now.get(key);
    const old = Object.hasOwn(known, key) ? known[key] : undefined;
    if (values !== undefined && hash(values.join('\0')) === old) continue;
    changes.push({
      key,
      verb: values === undefined ? 'removed' : old === undefined ? 'set' : 'changed',
      harmless: comfort.test(key) || isBranchSetting(key, values, remotes),
    });
  }
  return changes;
}
