import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { McpError } from '../mcp-error.js';
import { isInside } from './private-file.js';
import { helperWords, type WrittenServer } from './written-server.js';

/** A file of the project that a server is given by name: whoever changes it changes what runs. */
export interface ApprovedFile {
  readonly path: string;
  readonly sha256: string;
}

const mostBytes = 1024 ** 3;
const pieceBytes = 1024 ** 2;

/**
 * Files of the project that a definition names, in its program, arguments and variables, as they are now. They are read
 * whole at each look: sizes and times prove nothing, because whoever may write a file may set them. Throws
 * `ORCH_MCP_UNAPPROVED` for one that cannot be.
 */
export function filesOf(project: string, written: WrittenServer): ApprovedFile[] {
  const { command, args = [], env = {}, cwd } = written;
  const base = resolve(project, withDefaults(cwd ?? '.'));
  const words = command === undefined ? [] : [command, ...args];
  const names = [
    ...[...words, ...helperWords(written)].flatMap(namesInWord),
    ...Object.values(env).flatMap(namesInValue),
  ];
  const paths = new Set(names.map((name) => resolve(base, name)));
  return [...paths]
    .filter((path) => isFileOf(project, path))
    .map((path) => ({ path, sha256: hashOf(path) }));
}

/** Also as the end of `--config=file`, and as the default of a variable. */
function namesInWord(word: string): string[] {
  const whole = withDefaults(word);
  const names = [word, whole, whole.slice(whole.indexOf('=') + 1)];
  return names.filter((name) => name !== '');
}

/** A variable may hold options, as `NODE_OPTIONS` does, or a list, as `LD_PRELOAD` does. */
function namesInValue(value: string): string[] {
  const whole = withDefaults(value);
  const words = whole.split(/\s+/);
  const parts = whole.split(/[\s=:;,'"]+/);
  return [whole, ...words, ...parts].flatMap(namesInWord);
}

/** What a variable holds is the user's; its default is what the project wrote. */
const withDefaults = (text: string): string =>
  text.replaceAll(/\$\{[A-Za-z_]\w*:-([^}]*)\}/g, '$1');

function isFileOf(project: string, path: string): boolean {
  try {
    const isOurs = isInside(path, project) || isInside(realpathSync(path), project);
    return isOurs && statSync(path).isFile();
  } catch {
    return false;
  }
}

function hashOf(path: string): string {
  const refuse = (why: string, cause?: unknown): never => {
    throw new McpError(
      'ORCH_MCP_UNAPPROVED',
      `${path} is a file that a server of the project is given, and ${why}. So nobody can tell whether it is what was approved, and nothing is started. Give it another file, or define the server as your own, which needs no approval.`,
      { details: { path, why }, cause },
    );
  };
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    return refuse(`cannot be read (${String((cause as NodeJS.ErrnoException).code)})`, cause);
  }
  try {
    const tooLarge = 'is larger than 1 GiB, the most that is read of a file';
    if (fstatSync(file).size > mostBytes) return refuse(tooLarge);
    const hash = createHash('sha256');
    const piece = Buffer.allocUnsafe(pieceBytes);
    let bytes = 0;
    for (;;) {
      const length = readSync(file, piece, 0, pieceBytes, null);
      if (length === 0) return hash.digest('hex');
      bytes += length;
      // It may grow while it is read.
      if (bytes > mostBytes) return refuse(tooLarge);
      hash.update(piece.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}
