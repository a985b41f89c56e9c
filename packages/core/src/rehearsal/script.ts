import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Turn } from '@orch/scripted-model';
import { parse } from 'yaml';
import { z } from 'zod';
import { CoreError } from '../core-error.js';

/** What the model answers in a rehearsal: a list of turns for each task, by label or by id. */
export type RehearsalScript = Readonly<Record<string, readonly Turn[]>>;

const schema = z.strictObject({
  version: z.literal(1),
  tasks: z.record(z.string(), z.array(z.union([z.string(), z.looseObject({})])).min(1)),
});

/**
 * Reads the script of a plan's rehearsal (YAML or JSON): the given file, else `rehearsal.yaml` beside
 * the plan, else none, and everything is improvised.
 * @throws CoreError `ORCH_REHEARSAL_SCRIPT` with the file and what is wrong
 */
export async function readRehearsalScript(
  plan: string,
  explicit?: string,
): Promise<RehearsalScript> {
  const file = explicit ?? path.join(path.dirname(plan), 'rehearsal.yaml');
  let value: unknown;
  try {
    value = parse(await readFile(file, 'utf8'), { maxAliasCount: 0 });
  } catch (error) {
    if (explicit === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new CoreError(
      'ORCH_REHEARSAL_SCRIPT',
      `The rehearsal script ${file} cannot be read: ${(error as Error).message}`,
      { file },
      { cause: error },
    );
  }
  const checked = schema.safeParse(value);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw new CoreError(
      'ORCH_REHEARSAL_SCRIPT',
      `The rehearsal script ${file} is not valid at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unknown'}. ` +
        'Expected: version: 1, and tasks: with a list of turns for each task',
      { file },
    );
  }
  return checked.data.tasks;
}

const recordedFile = (runDirectory: string): string => path.join(runDirectory, 'rehearsal.json');

/** Keeps the script with the run, so that a resume plays the same piece. */
export async function recordScript(runDirectory: string, script: RehearsalScript): Promise<void> {
  await writeFile(
    recordedFile(runDirectory),
    `${JSON.stringify({ version: 1, tasks: script }, null, 2)}\n`,
    { mode: 0o600 },
  );
}

/** The script that a run was rehearsed with. */
export const recordedScript = (runDirectory: string): Promise<RehearsalScript> =>
  readRehearsalScript('', recordedFile(runDirectory));
