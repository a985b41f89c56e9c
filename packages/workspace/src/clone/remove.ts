import type { Removed } from '../contract.js';
import { moveRef, readRef } from '../git/refs.js';
import { refs } from '../layout.js';
import type { Repository } from '../repository/open.js';
import { ownDirectoryExists, removeDirectory } from './own-directory.js';
import { placeOf, readRecords, writeRecords } from './records.js';
import { rescue } from './rescue.js';

/**
 * Removes the clone of a task if refs hold everything in it that git would keep. What they do not hold yet
 * is saved to a rescue ref first; what cannot be saved keeps the clone where it is.
 */
export async function remove(repository: Repository, run: string, task: string): Promise<Removed> {
  const place = placeOf(repository, run, task);
  const records = readRecords(place);
  if (ownDirectoryExists(place.directory)) {
    if (records === undefined) {
      return { kind: 'kept', reason: `${place.directory} was not made by this version` };
    }
    if (records.state === 'ready') {
      const saved = await rescue(repository, place, records, { run, task });
      if (!saved.complete) {
        return {
          kind: 'kept',
          reason: `not everything in ${place.directory} could be saved: ${saved.problem ?? 'unknown'}`,
        };
      }
      writeRecords(place, { ...records, state: 'removing' });
    }
    removeDirectory(place.directory);
  }
  removeDirectory(place.records);
  const ref = refs.base(run, task);
  const base = await readRef(repository, ref);
  if (base !== undefined) {
    await moveRef(repository, { ref, from: base, to: null, reason: 'orch: removed' });
  }
  return { kind: 'removed' };
}
