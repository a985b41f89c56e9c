import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Prepared, PrepareRequest } from '../contract.js';
import { moveRef, readRef } from '../git/refs.js';
import { refs } from '../layout.js';
import type { Repository } from '../repository/open.js';
import { WorkspaceError } from '../workspace-error.js';
import { giveGitDirectory } from './git-directory-of-clone.js';
import { hideSettings, type Hidden } from './hidden-settings.js';
import { ownDirectoryExists, removeDirectory } from './own-directory.js';
import { placeOf, readRecords, writeRecords, type Place, type Records } from './records.js';
import { rescue } from './rescue.js';

const blank = { hidden: [], parked: [], copied: [] } as const;

async function holdBase(repository: Repository, request: PrepareRequest): Promise<void> {
  const ref = refs.base(request.run, request.task);
  const move = { ref, to: request.base, reason: 'orch: base' };
  try {
    await moveRef(repository, { ...move, from: null });
  } catch (error) {
    if (!WorkspaceError.isInstance(error) || error.code !== 'ORCH_GIT_REF_MOVED') throw error;
    await moveRef(repository, { ...move, from: (await readRef(repository, ref)) ?? null });
  }
}

async function makeClone(
  repository: Repository,
  place: Place,
  request: PrepareRequest,
): Promise<void> {
  const { base } = request;
  await holdBase(repository, request);
  writeRecords(place, { state: 'making', base, ...blank });
  removeDirectory(place.directory);
  mkdirSync(dirname(place.directory), { recursive: true, mode: 0o700 });
  mkdirSync(place.directory);
  rmSync(place.index, { force: true });
  rmSync(`${place.index}.lock`, { force: true });
  await repository.hub({
    args: ['read-tree', '--reset', '-u', base],
    worktree: place.directory,
    index: place.index,
  });
  await repository.step('prepare.files');
  const hidden: Hidden = request.hideAgentSettings
    ? await hideSettings(repository, place, blank)
    : blank;
  giveGitDirectory(repository, place, { branch: 'orch-task', commit: base });
  if (hidden.hidden.length > 0) {
    // So that the agent's own `git status` and `commit -a` do not see the files as deleted.
    await repository.hub({
      args: ['update-index', '--skip-worktree', '--stdin'],
      input: hidden.hidden.map((path) => `${path}\n`).join(''),
      worktree: place.directory,
      index: join(place.directory, '.git', 'index'),
    });
  }
  await repository.step('prepare.ready');
  writeRecords(place, { state: 'ready', base, ...blank, ...hidden });
}

function setAside(repository: Repository, place: Place, run: string, task: string): string {
  for (let number = 1; ; number += 1) {
    const kept = repository.layout.kept(run, task, number);
    if (existsSync(kept)) continue;
    mkdirSync(dirname(kept), { recursive: true, mode: 0o700 });
    renameSync(place.directory, kept);
    return kept;
  }
}

/** Saves what stands in the place of a workspace, then makes the place free. */
async function clear(
  repository: Repository,
  place: Place,
  records: Records,
  request: PrepareRequest,
): Promise<Omit<Prepared, 'path'>> {
  const { run, task } = request;
  const saved = await rescue(repository, place, records, { run, task });
  const rescued = saved.ref === undefined ? {} : { rescued: saved.ref };
  await repository.step('prepare.rescued');
  if (!saved.complete) return { ...rescued, kept: setAside(repository, place, run, task) };
  writeRecords(place, { ...records, state: 'removing' });
  await repository.step('prepare.removing');
  removeDirectory(place.directory);
  return rescued;
}

/** Makes the private clone of a task, or, with `keep`, leaves the one that is there. */
export async function prepare(repository: Repository, request: PrepareRequest): Promise<Prepared> {
  const place = placeOf(repository, request.run, request.task);
  const path = place.directory;
  const there = ownDirectoryExists(path);
  const records = readRecords(place);
  if (there && records?.state === 'ready' && request.mode === 'keep') {
    if (request.hideAgentSettings) {
      writeRecords(place, { ...records, ...(await hideSettings(repository, place, records)) });
    }
    return { path };
  }
  // A directory without records was not made by this version; it may hold work all the same.
  const mayHoldWork = there && (records === undefined || records.state === 'ready');
  const saved = mayHoldWork
    ? await clear(
        repository,
        place,
        records ?? { state: 'ready', base: request.base, ...blank },
        request,
      )
    : {};
  await makeClone(repository, place, request);
  return { path, ...saved };
}
