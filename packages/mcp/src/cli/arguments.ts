import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { UsageError } from './report.js';

/** `key=text` and `key:=json`. Throws `UsageError` for a word that is neither. */
export interface GivenArguments {
  readonly texts: ReadonlyMap<string, string>;
  readonly values: ReadonlyMap<string, Json>;
}

export function readWords(words: readonly string[]): GivenArguments {
  const texts = new Map<string, string>();
  const values = new Map<string, Json>();
  for (const word of words) {
    const at = word.indexOf('=');
    const isJson = word[at - 1] === ':';
    const key = word.slice(0, isJson ? at - 1 : at);
    if (at < 1 || key === '')
      throw new UsageError(
        `Expected key=value (or key:=json) for an argument of the tool, received ${JSON.stringify(word)}`,
      );
    if (texts.has(key) || values.has(key))
      throw new UsageError(`${key} is given twice. Give a list as ${key}:='["a","b"]'`);
    const text = word.slice(at + 1);
    if (isJson) values.set(key, parse(text, `${key}:=`));
    else texts.set(key, text);
  }
  return { texts, values };
}

/** A JSON object, as `--args` gives it. */
export function readObject(text: string): JsonObject {
  const value = parse(text, '--args');
  if (isJsonObject(value)) return value;
  throw new UsageError('--args takes a JSON object, such as {"path":"README.md"}, or - for stdin');
}

function parse(text: string, where: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new UsageError(`${where} is no JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

/**
 * The arguments, each text as what the tool's schema asks for: numbers, truth values, lists and objects. A text stays
 * one where the schema says nothing. Throws `UsageError` for a text that is not what is asked for.
 */
export function fitArguments(given: GivenArguments, schema: JsonObject | undefined): JsonObject {
  const properties = schema?.['properties'];
  const typeOf = (key: string): Json | undefined => {
    const property = isJsonObject(properties) ? properties[key] : undefined;
    return isJsonObject(property) ? property['type'] : undefined;
  };
  const fitted = [...given.texts].map(([key, text]) => [key, fit(key, text, typeOf(key))] as const);
  return Object.fromEntries([...fitted, ...given.values]);
}

function fit(key: string, text: string, type: Json | undefined): Json {
  switch (type) {
    case 'number':
    case 'integer': {
      const value = Number(text);
      if (text.trim() !== '' && Number.isFinite(value)) return value;
      throw new UsageError(`${key} must be a number, received ${JSON.stringify(text)}`);
    }
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true';
      throw new UsageError(`${key} must be true or false, received ${JSON.stringify(text)}`);
    case 'array':
    case 'object':
      return parse(text, `${key}=`);
    default:
      return text;
  }
}
