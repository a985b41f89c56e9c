import { parseArgs, type ParseArgsConfig } from 'node:util';
import { chainStart, checkPrevious } from '../chain/seal.js';
import { reasonOf } from '../errors.js';
import { checkRange } from '../read/read-options.js';
import type { Scalar } from '../read/select-lines.js';

/** A mistake in the command line. */
export class UsageError extends Error {}

const flags = {
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  live: { type: 'boolean' },
  chain: { type: 'string' },
  to: { type: 'string' },
  quarantine: { type: 'string' },
  count: { type: 'string', short: 'n' },
  follow: { type: 'boolean', short: 'f' },
  where: { type: 'string', multiple: true },
  'max-line-bytes': { type: 'string' },
} as const satisfies ParseArgsConfig['options'];

type Flag = keyof typeof flags;

/** What each command takes, and what it is told to do in the help. */
export const commands = {
  verify: ['json', 'live', 'chain', 'max-line-bytes'],
  repair: ['json', 'to', 'quarantine', 'max-line-bytes'],
  head: ['json', 'count', 'where', 'max-line-bytes'],
  tail: ['json', 'count', 'follow', 'where', 'max-line-bytes'],
  count: ['json', 'where', 'live', 'max-line-bytes'],
  stats: ['json', 'where', 'live', 'max-line-bytes'],
} as const satisfies Record<string, readonly Flag[]>;

export type CommandName = keyof typeof commands;

/** A command line that makes sense. */
export interface Command {
  readonly name: CommandName;
  readonly file: string;
  readonly json: boolean;
  readonly live: boolean;
  readonly follow: boolean;
  /** The hash to follow the chain from. */
  readonly chain: string | undefined;
  readonly to: string | undefined;
  readonly quarantine: string | undefined;
  readonly count: number;
  readonly where: Readonly<Record<string, Scalar>>;
  readonly maxLineBytes: number | undefined;
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`--${flag} must be a whole number, received ${JSON.stringify(text)}`);
}

/** `name=value`; a value that is a JSON scalar is that, anything else is text. */
function parseWhere(texts: readonly string[]): Record<string, Scalar> {
  const entries = texts.map((text): [string, Scalar] => {
    const equals = text.indexOf('=');
    if (equals < 1) {
      throw new UsageError(`--where must be NAME=VALUE, received ${JSON.stringify(text)}`);
    }
    const value = text.slice(equals + 1);
    const isScalar = /^(?:"[^]*"|-?\d[\d.eE+-]*|true|false|null)$/.test(value);
    try {
      const scalar = isScalar ? (JSON.parse(value) as Scalar) : value;
      // A number that is too large to be one stands in no file either.
      if (typeof scalar !== 'number' || Number.isFinite(scalar))
        return [text.slice(0, equals), scalar];
    } catch {
      // Text that only looks like a number or a quoted string.
    }
    return [text.slice(0, equals), value];
  });
  return Object.fromEntries(entries);
}

function isCommand(name: string | undefined): name is CommandName {
  return name !== undefined && Object.hasOwn(commands, name);
}

/** Reads a command line; `help` when that is asked for. @throws UsageError */
export function parseCommand(argv: readonly string[]): Command | 'help' {
  const { values, positionals } = parse(argv);
  if (values.help === true || argv.length === 0) return 'help';
  const [name, file, ...others] = positionals;
  if (!isCommand(name)) {
    throw new UsageError(
      `expected one of ${Object.keys(commands).join(', ')}, received ${name ?? 'nothing'}`,
    );
  }
  if (file === undefined || others.length > 0) {
    throw new UsageError(`${name} takes one FILE, or - for standard input`);
  }
  const allowed: readonly string[] = commands[name];
  for (const flag of Object.keys(values)) {
    if (!allowed.includes(flag)) throw new UsageError(`${name} does not take --${flag}`);
  }
  if (name === 'repair' && values.to === undefined) {
    throw new UsageError('repair needs --to NEW_FILE: it never changes the file itself');
  }
  const needsFile = name === 'repair' || values.follow === true || values.chain !== undefined;
  if (file === '-' && needsFile) {
    throw new UsageError(
      `${name}${name === 'repair' ? '' : ' with --follow or --chain'} needs a file`,
    );
  }
  const chain = values.chain === 'start' ? chainStart : values.chain;
  const maxLine = values['max-line-bytes'];
  const maxLineBytes = maxLine === undefined ? undefined : wholeNumber('max-line-bytes', maxLine);
  try {
    checkRange({ maxLineBytes });
    if (chain !== undefined) checkPrevious(chain);
  } catch (error) {
    throw new UsageError(reasonOf(error));
  }
  return {
    name,
    file,
    json: values.json ?? false,
    live: values.live ?? false,
    follow: values.follow ?? false,
    chain,
    to: values.to,
    quarantine: values.quarantine,
    count: wholeNumber('count', values.count ?? '10'),
    where: parseWhere(values.where ?? []),
    maxLineBytes,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flags, allowPositionals: true });
  } catch (error) {
    throw new UsageError(reasonOf(error));
  }
}

export const help = `Usage: orch-jsonl COMMAND [options] FILE        FILE may be - for standard input

  verify   report all damage with its byte range
             --live           a last line without newline is still being written
             --chain HASH     also follow the hash chain from HASH ('start' for a new chain)
  repair   write every whole record to a new file, and all other bytes to a quarantine file
             --to NEW         the new file; it must not exist
             --quarantine Q   default NEW.quarantine.jsonl
  head     print the first records
             -n, --count N    default 10
  tail     print the last records
             -n, --count N    default 10
             -f, --follow     go on with what is appended, also when the file is rotated or cut
  count    count the records
  stats    count records, lines, sizes and top-level names

  --where NAME=VALUE   (head, tail, count, stats) only records with this top-level field; repeatable
  --max-line-bytes N   a longer line is reported and not held in memory; default 67108864
  --json               answer as JSON lines
  -h, --help

Files compressed with gzip (and zstd, where Node can) are read as their text.

Exit codes: 0 done, and for verify: healthy · 1 verify found damage or a broken chain
  2 wrong usage · 7 a file could not be read or written · 130 interrupted
`;
