import type { Json, JsonObject } from '../json.js';
import { isObject } from '../graph/json-kind.js';
import type { Path } from './path.js';

/** The tasks of an unchecked document, from `tasks:` and from every wave, with their paths. */
export function rawTasks(document: Json): { readonly path: Path; readonly task: JsonObject }[] {
  if (!isObject(document)) return [];
  const lists: [Path, Json | undefined][] = [[['tasks'], document['tasks']]];
  for (const [index, wave] of listOf(document['waves']).entries()) {
    if (isObject(wave)) lists.push([['waves', index, 'tasks'], wave['tasks']]);
  }
  return lists.flatMap(([path, list]) =>
    listOf(list).flatMap((task, index) =>
      isObject(task) ? [{ path: [...path, index], task }] : [],
    ),
  );
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
