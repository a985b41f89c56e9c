import { messageOf } from './errors.js';
import { isObject } from './json.js';
import type { Json } from './json.js';
import { readScript } from './script.js';
import type { CheckedTurn } from './script.js';
import { readObject, readString, refuse } from './value-reader.js';

/** A scenarios file after validation. */
export interface Scenarios {
  /** In the order of the file, which is the order in which `match` is tried. */
  readonly named: ReadonlyMap<string, NamedScenario>;
  readonly fallThrough: readonly CheckedTurn[] | undefined;
}

interface NamedScenario {
  readonly match: RegExp | undefined;
  readonly turns: readonly CheckedTurn[];
}

/** Reads what a scenarios file holds. Throws SCRIPT_INVALID with the place of what is wrong. */
export function readScenarios(value: Json): Scenarios {
  const file = readObject(value, 'scenarios file', ['scenarios', 'default']);
  const named = file['scenarios'] ?? {};
  if (!isObject(named)) return refuse('scenarios', 'an object of scenarios', named);
  return {
    named: new Map(
      Object.entries(named).map(([name, scenario]) => [name, readNamed(scenario, name)]),
    ),
    fallThrough: file['default'] === undefined ? undefined : readScript(file['default'], 'default'),
  };
}

function readNamed(value: Json, name: string): NamedScenario {
  const path = `scenarios.${name}`;
  if (!/^[\w.-]+$/.test(name))
    refuse(path, 'a name of letters, digits, dot, dash or underscore', name);
  const turns = readScript(value, path);
  if (!isObject(value) || value['match'] === undefined) return { match: undefined, turns };
  const pattern = readString(value['match'], `${path}.match`);
  try {
    return { match: new RegExp(pattern, 's'), turns };
  } catch (error) {
    return refuse(`${path}.match`, `a regular expression (${messageOf(error)})`, pattern);
  }
}
