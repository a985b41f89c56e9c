import type { Json } from '../json.js';
import { isObject } from '../graph/json-kind.js';
import type { Path } from './path.js';

/** Keys without which nothing around them can be checked: a stand-in keeps the rest in play. */
const STAND_INS: { readonly [key: string]: (path: Path) => Json } = {
  version: () => 1,
  name: (path) => `unnamed-${path.filter((key) => typeof key === 'number').join('-')}0`,
  id: (path) => `unnamed-${path.filter((key) => typeof key === 'number').join('-')}`,
};

/**
 * A copy of `root` without the value at `path`. Positions in lists are kept, because problems are
 * located by them: a bad item of a list takes the whole list out, a missing key its mapping.
 * `undefined` when a whole task, wave or the document would have to go.
 */
export function takeOut(
  root: Json,
  path: Path,
): { readonly rest: Json; readonly removed: Path } | undefined {
  const key = path.at(-1);
  if (key === undefined) return undefined;
  const parentPath = path.slice(0, -1);
  const parent = at(root, parentPath);
  // It went with something around it.
  if (parent === undefined) return { rest: root, removed: path };
  if (isObject(parent) && typeof key === 'string') {
    if (Object.hasOwn(parent, key)) {
      const { [key]: _removed, ...others } = parent;
      return { rest: replace(root, parentPath, others), removed: path };
    }
    const standIn = Object.hasOwn(STAND_INS, key) ? STAND_INS[key] : undefined;
    if (standIn && isStandInPlace(path)) {
      const filled = { ...parent, [key]: standIn(path) };
      return { rest: replace(root, parentPath, filled), removed: path };
    }
  }
  if (parentPath.at(-1) === 'tasks' || parentPath.at(-1) === 'waves') return undefined;
  return takeOut(root, parentPath);
}

/** The document itself, a task or a wave; not a mapping that merely uses the same key. */
function isStandInPlace(path: Path): boolean {
  const list = path.at(-3);
  return path.length === 1 || list === 'tasks' || list === 'waves';
}

function at(root: Json, path: Path): Json | undefined {
  let found: Json | undefined = root;
  for (const key of path) {
    if (Array.isArray(found)) found = (found as readonly Json[])[Number(key)];
    else if (isObject(found) && Object.hasOwn(found, key)) found = found[key];
    else return undefined;
  }
  return found;
}

function replace(root: Json, path: Path, value: Json): Json {
  const [key, ...others] = path;
  if (key === undefined) return value;
  if (Array.isArray(root)) {
    return (root as readonly Json[]).map((item, index) =>
      index === Number(key) ? replace(item, others, value) : item,
    );
  }
  if (!isObject(root)) return root;
  return { ...root, [key]: replace(root[key] ?? null, others, value) };
}
