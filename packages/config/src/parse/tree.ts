import type { Json } from '../json.js';
import type { SettingPath } from '../setting-path.js';

/** A value with the place of every part of it. Offsets are indices into the text. */
export interface Tree {
  readonly offset: number;
  /** Where its key stands; for the outermost value and for items of a list, `offset`. */
  readonly keyOffset: number;
  readonly content: Scalar | readonly Tree[] | ReadonlyMap<string, Tree>;
}

type Scalar = null | boolean | number | string;

/** Deeper than any settings need. */
export const maxDepth = 64;

/** Something wrong in a text, by its offset. */
export interface Fault {
  readonly code:
    | 'ORCH_CONFIG_SYNTAX'
    | 'ORCH_CONFIG_DUPLICATE_KEY'
    | 'ORCH_CONFIG_YAML_FEATURE'
    | 'ORCH_CONFIG_VALUE'
    | 'ORCH_CONFIG_TOO_LARGE'
    | 'ORCH_CONFIG_TOO_DEEP';
  readonly offset: number;
  readonly path: SettingPath;
  /** Never with anything of the text but keys. */
  readonly message: string;
}

/** What a parser found. The tree is as complete as the faults allow. */
export interface Parsed {
  readonly tree: Tree | undefined;
  readonly faults: readonly Fault[];
}

export const isEntries = (content: Tree['content']): content is ReadonlyMap<string, Tree> =>
  content instanceof Map;

export const isItems = (content: Tree['content']): content is readonly Tree[] =>
  Array.isArray(content);

/** The value alone. `__proto__` becomes a key like any other; whoever reads on refuses it. */
export function valueOf({ content }: Tree): Json {
  if (isItems(content)) return content.map(valueOf);
  if (!isEntries(content)) return content;
  return Object.fromEntries([...content].map(([key, tree]) => [key, valueOf(tree)]));
}

/** The deepest tree on the way along a path, and whether the path ends there. */
export function follow(
  root: Tree,
  path: SettingPath,
): { readonly tree: Tree; readonly whole: boolean } {
  let tree = root;
  for (const step of path) {
    const { content } = tree;
    const inner: Tree | undefined = isEntries(content)
      ? content.get(String(step))
      : isItems(content)
        ? content[Number(step)]
        : undefined;
    if (inner === undefined) return { tree, whole: false };
    tree = inner;
  }
  return { tree, whole: true };
}

/** A fault for a number that would not be kept exactly, or none. */
export function numberFault(value: number, offset: number, path: SettingPath): Fault | undefined {
  const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (exact) return undefined;
  const message = Number.isFinite(value)
    ? 'a whole number beyond 2^53 is not kept exactly; write it as text, in quotes'
    : 'expected a number, received one that is infinite or not a number';
  return { code: 'ORCH_CONFIG_VALUE', offset, path, message };
}

export function tooDeep(offset: number, path: SettingPath): Fault {
  const message = `expected at most ${maxDepth} levels of nesting, received more`;
  return { code: 'ORCH_CONFIG_TOO_DEEP', offset, path: path.slice(0, 4), message };
}

export function duplicateKey(key: string, offset: number, path: SettingPath): Fault {
  return {
    code: 'ORCH_CONFIG_DUPLICATE_KEY',
    offset,
    path,
    message: `the key ${JSON.stringify(key)} stands here a second time`,
  };
}
