import { extname, join, resolve } from 'node:path';
import { fs } from './file-system.js';
import { copyJson, inspect } from './inspect.js';
import { isObject } from './json.js';
import type { Finding } from './problem.js';
import type { FileRead, FileReader } from './read-file.js';
import type { FileSource, Format, Source, ValueSource } from './source.js';

/** What was found for one source, before it is parsed. */
export type Found =
  | {
      readonly kind: 'file';
      readonly tier: string;
      readonly source: string;
      readonly format: Format;
      readonly read: FileRead;
    }
  | {
      readonly kind: 'value';
      readonly tier: string;
      readonly source: string;
      readonly given: ValueSource;
    }
  | {
      readonly kind: 'fault';
      readonly tier: string;
      readonly source: string;
      readonly finding: Finding;
    };

const formats: Readonly<Record<string, Format>> = {
  '.json': 'json',
  '.jsonc': 'jsonc',
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.toml': 'toml',
};

/** The format that a file's name tells; JSON where it tells none. */
export const formatOf = (file: string): Format => formats[extname(file).toLowerCase()] ?? 'json';

/** Reads every source, in order. What is not there is left out. */
export function readSources(
  sources: readonly Source[],
  maxBytes: number,
  readFile: FileReader,
): readonly Found[] {
  return sources.flatMap((source): readonly Found[] => {
    if ('file' in source) return readOne(source, maxBytes, readFile);
    if ('value' in source) {
      return [{ kind: 'value', tier: source.tier, source: source.name, given: source }];
    }
    const { tier, directory, endings = Object.keys(formats) } = source;
    const listed = listDirectory(directory);
    if (!Array.isArray(listed)) {
      return [{ kind: 'fault', tier, source: directory, finding: listed as Finding }];
    }
    return (listed as readonly string[])
      .filter((name) => endings.includes(extname(name)) && !name.startsWith('.'))
      .sort()
      .flatMap((name) => readOne({ tier, file: join(directory, name) }, maxBytes, readFile));
  });
}

function readOne(
  { tier, file, format, within }: FileSource,
  maxBytes: number,
  readFile: FileReader,
): readonly Found[] {
  const path = resolve(file);
  const read = readFile(path, { maxBytes, within });
  if ('absent' in read) return [];
  return [{ kind: 'file', tier, source: path, format: format ?? formatOf(path), read }];
}

function listDirectory(directory: string): readonly string[] | Finding {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') {
      const message = 'expected a directory, found something else';
      return { code: 'ORCH_CONFIG_NOT_A_FILE', message };
    }
    const message = `this directory could not be read (${code ?? 'unknown error'})`;
    return { code: 'ORCH_CONFIG_UNREADABLE', message };
  }
}

/** The value of a source, as JSON has it. */
export function readValue({ value }: ValueSource): ReturnType<typeof copyJson> {
  const copy = copyJson(value);
  const faults = [...copy.faults, ...inspect(copy.value).faults];
  if (isObject(copy.value) || faults.length > 0) return { value: copy.value, faults };
  const message = 'expected an object, received something else';
  return {
    value: {},
    faults: [{ path: [], finding: { code: 'ORCH_CONFIG_NOT_AN_OBJECT', message } }],
  };
}
