import { isAbsolute } from 'node:path';
import { refuseRequest } from '../agents-error.js';
import type { TurnRequest } from '../driver.js';
import type { Json } from '../json.js';

/** One run of a command. */
export interface CommandTurnRequest extends TurnRequest {
  /** A program with its arguments; or a text for `/bin/sh -c`. */
  readonly command: { readonly argv: readonly [string, ...string[]] } | { readonly shell: string };
  /**
   * Values for the command: as one JSON object on stdin, each as `$ORCH_INPUTS/<name>.json` and as
   * `ORCH_INPUT_<NAME>` (text as it is, anything else as JSON; left out where a variable cannot hold it).
   */
  readonly inputs?: Readonly<Record<string, Json>>;
  /** Where the files of `inputs` go: absolute, outside `cwd`. Required with `inputs`. Created with mode 0700. */
  readonly inputsDirectory?: string;
  /** Which exit codes are well: `zero` (default) alone, or `any`, for a command whose failure is data. */
  readonly expect?: 'zero' | 'any';
  /** What `output` of the `end` event is: stdout as JSON, or as a list of its lines. Default: none. */
  readonly output?: 'json' | 'lines';
  /** Most bytes of stdout that an `output` is made of. Default 16 MiB. */
  readonly outputBytes?: number;
  /**
   * Of stdout, and of stderr, so many bytes become `output` events as they come. A line counts 100 bytes
   * more than its text. Default 1 MiB.
   */
  readonly headBytes?: number;
  /**
   * Of what comes after `headBytes`, so many bytes from the end become `output` events when the command has
   * ended, counted the same way. What lies between is left out; a notice says how much. Default 1 MiB.
   */
  readonly tailBytes?: number;
}

/** Checks a request once. Throws `ORCH_AGENTS_REQUEST`. */
export function checkCommandRequest(request: CommandTurnRequest): void {
  if (!isAbsolute(request.cwd)) refuseRequest('cwd', 'an absolute path', request.cwd);
  const program = 'shell' in request.command ? request.command.shell : request.command.argv[0];
  if (program.trim() === '') refuseRequest('command', 'a program or a shell text', program);
  for (const field of ['outputBytes', 'headBytes', 'tailBytes'] as const) {
    const bytes = request[field] ?? 0;
    if (!(bytes >= 0)) refuseRequest(field, 'a number of bytes, 0 or more', bytes);
  }
  const names = Object.keys(request.inputs ?? {});
  for (const name of names) {
    if (!/^[A-Za-z0-9_][\w.-]*$/.test(name)) {
      refuseRequest('inputs', 'named by letters, digits, _, . and -', name);
    }
  }
  const variables = new Set(names.map(variableOf));
  if (variables.size < names.length) {
    refuseRequest('inputs', 'names that stay different as variables', names.join(', '));
  }
  const directory = request.inputsDirectory;
  if (names.length > 0 && (directory === undefined || !isAbsolute(directory))) {
    refuseRequest('inputsDirectory', 'an absolute path, because there are inputs', directory);
  }
}

/** Name of the environment variable of an input. */
export function variableOf(name: string): string {
  return `ORCH_INPUT_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}
