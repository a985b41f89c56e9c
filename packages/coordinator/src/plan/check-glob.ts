import { quote } from './describe.js';
import type { Locations } from './locations.js';
import type { Path } from './path.js';
import { pathFault } from './plan-files.js';
import type { Report } from './problem.js';

/** Reports a glob that git would take for something else, or that leaves the repository. */
export function checkGlob(glob: string, path: Path, locations: Locations, report: Report): void {
  if (glob.startsWith('!')) {
    report.add(locations.value(path), path, {
      code: 'ORCH_PLAN_NOT_YET',
      message: `not yet: excluding with ${quote(glob)} is reserved and does not work in this version; list what is meant`,
    });
    return;
  }
  const magic = glob.startsWith(':')
    ? `${quote(glob)} begins with ":"; expected a plain glob`
    : undefined;
  const fault = magic ?? pathFault(glob);
  if (fault === undefined) return;
  report.add(locations.value(path), path, { code: 'ORCH_PLAN_FILE_PATH', message: fault });
}
