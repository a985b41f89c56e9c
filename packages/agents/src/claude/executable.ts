import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The program to start, or where it was looked for in vain. */
export type Located = { readonly path: string } | { readonly missing: string };

/** Looks where the caller says, else where `ORCH_CLAUDE` says, else along `PATH`. */
export async function locateClaude(
  explicit: string | undefined,
  environment: Environment,
): Promise<Located> {
  const named = explicit ?? environment['ORCH_CLAUDE'];
  if (named !== undefined && named !== '') {
    const path = resolve(named);
    if (await isProgram(path)) return { path };
    const where = explicit === undefined ? 'ORCH_CLAUDE' : 'the given executable';
    return { missing: `${where} is ${path}, which is not a program that can be run` };
  }
  for (const directory of (environment['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, 'claude');
    if (directory !== '' && (await isProgram(path))) return { path };
  }
  return { missing: 'there is no claude in PATH, and ORCH_CLAUDE is not set' };
}

async function isProgram(path: string): Promise<boolean> {
  const found = await fs.stat(path).catch(() => undefined);
  if (found?.isFile() !== true) return false;
  return fs.access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
