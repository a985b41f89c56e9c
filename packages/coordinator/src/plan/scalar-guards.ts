import type { Json, JsonObject } from '../json.js';
import { isObject } from '../graph/json-kind.js';
import type { Locations } from './locations.js';
import type { Path } from './path.js';
import type { Report } from './problem.js';
import { commentFinding } from './syntax-problems.js';
import { rawTasks } from './task-paths.js';

/** Reports scalars that are valid YAML and almost surely not what was meant. */
export function guardScalars(document: Json, locations: Locations, report: Report): void {
  if (!isObject(document)) return;
  const text = (owner: Json | undefined, path: Path, keys: readonly string[]): void => {
    for (const key of keys) {
      if (isObject(owner) && typeof owner[key] === 'string') {
        guardText([...path, key], owner[key], locations, report);
      }
    }
  };
  for (const { path, task } of rawTasks(document)) {
    text(task, path, ['prompt', 'title', 'system']);
    guardNumbers(task['matrix'], [...path, 'matrix'], true, locations, report);
    guardNumbers(task['foreach'], [...path, 'foreach'], false, locations, report);
  }
  text(document, [], ['name']);
  text(document['defaults'], ['defaults'], ['system']);
  for (const [place, key] of [
    ['agents', 'system'],
    ['gates', 'judge'],
  ] as const) {
    for (const [name, entry] of entriesOf(document[place])) text(entry, [place, name], [key]);
  }
}

/** `prompt: Fix issue #12` reads as "Fix issue". */
function guardText(path: Path, value: string, locations: Locations, report: Report): void {
  if (locations.style(path) !== 'plain') return;
  const { place, source } = locations.place(path);
  const rest = /^[ \t]+#[^\r\n]*/.exec(source.text.slice(place.end, place.end + 4096))?.[0];
  if (rest === undefined) return;
  const finding = commentFinding(`${String(path.at(-1))}:`, `${value}${rest}`);
  report.add(source.spotAt(place.end + rest.indexOf('#')), path, finding);
}

/** `3.10` reads as 3.1, `010` as 10. In a matrix every fraction is refused: its neighbour may be 3.10. */
function guardNumbers(
  value: Json | undefined,
  path: Path,
  isMatrix: boolean,
  locations: Locations,
  report: Report,
): void {
  if (Array.isArray(value)) {
    for (const [index, item] of (value as readonly Json[]).entries()) {
      guardNumbers(item, [...path, index], isMatrix, locations, report);
    }
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      guardNumbers(item, [...path, key], isMatrix, locations, report);
    }
  } else if (typeof value === 'number' && locations.style(path) === 'plain') {
    const written = locations.written(path);
    const changes = String(value) !== written;
    if (!changes && !(isMatrix && !Number.isInteger(value))) return;
    const suggestion = JSON.stringify(written);
    report.add(locations.value(path), path, {
      code: 'ORCH_PLAN_UNQUOTED_NUMBER',
      message: `YAML reads ${written} as the number ${value}; quote it: ${suggestion}`,
      received: written,
      suggestion,
    });
  }
}

function entriesOf(value: Json | undefined): [string, Json][] {
  return Object.entries((isObject(value) ? value : {}) satisfies JsonObject);
}
