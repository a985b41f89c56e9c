import { ConfigError } from './config-error.js';
import { isList, isObject, ownValue, type Json } from './json.js';

/** Where a value stands: keys of objects and indices of lists, from the outside in. */
export type SettingPath = readonly (string | number)[];

const plainKey = /^[A-Za-z_$][\w$-]*$/;

/** `permissions.allow[0]`; a key that is no plain word stands in quotes: `env["my.key"]`. */
export function formatPath(path: SettingPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!plainKey.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

const step = /\.?([^\s.[\]"]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** Reads what {@link formatPath} writes. Throws `ORCH_CONFIG_PATH`. */
export function parsePath(text: string): SettingPath {
  const path: (string | number)[] = [];
  step.lastIndex = 0;
  while (step.lastIndex < text.length) {
    const at = step.lastIndex;
    const found = step.exec(text);
    const [, word, index, quoted] = found ?? [];
    const startsWithDot = text[at] === '.';
    if (word !== undefined && startsWithDot === at > 0) path.push(word);
    else if (index !== undefined) path.push(Number(index));
    else if (quoted !== undefined) path.push(unquote(quoted, text));
    else throw badPath(text, at);
  }
  if (path.length === 0) throw badPath(text, 0);
  return path;
}

function unquote(quoted: string, text: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw badPath(text, text.indexOf(quoted));
  }
}

function badPath(text: string, at: number): ConfigError {
  const shown = JSON.stringify(text.slice(0, 200));
  return new ConfigError(
    'ORCH_CONFIG_PATH',
    `${shown} is no path to a setting (character ${at + 1}). Write it like permissions.allow[0] or env["my.key"].`,
    { details: { text: text.slice(0, 200), at } },
  );
}

/** The value at a path, or undefined when there is none. */
export function valueAt(root: Json | undefined, path: SettingPath): Json | undefined {
  let value = root;
  for (const one of path) {
    if (typeof one === 'number') value = isList(value) ? value[one] : undefined;
    else value = isObject(value) ? ownValue(value, one) : undefined;
  }
  return value;
}
