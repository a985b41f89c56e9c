import fs from 'node:fs/promises';
import { join } from 'node:path';
import { AgentsError } from '../agents-error.js';
import type { Json } from '../json.js';
import { variableOf, type CommandTurnRequest } from './request.js';

/** Inputs, laid out for a command. */
export interface LaidOutInputs {
  readonly env: Readonly<Record<string, string>>;
  /** For stdin; undefined when there are no inputs. */
  readonly stdin: string | undefined;
  /** Variables that could not hold their value. */
  readonly leftOut: readonly string[];
}

/** Linux takes no longer variable than 128 KiB, and all of them have to fit together. */
const longestVariableBytes = 32 * 1024;

/** Writes the files of the inputs. Throws `ORCH_AGENTS_CONFIG_DIRECTORY`. */
export async function layOutInputs(request: CommandTurnRequest): Promise<LaidOutInputs> {
  const { inputs = {}, inputsDirectory: directory } = request;
  const entries = Object.entries(inputs);
  if (directory === undefined || entries.length === 0) {
    return { env: {}, stdin: undefined, leftOut: [] };
  }
  try {
    await fs.mkdir(directory, { recursive: true, mode: 0o700 });
    for (const [name, value] of entries) {
      const path = join(directory, `${name}.json`);
      await fs.rm(path, { force: true });
      await fs.writeFile(path, `${JSON.stringify(value)}\n`, { mode: 0o600, flag: 'wx' });
    }
  } catch (cause) {
    throw new AgentsError(
      'ORCH_AGENTS_CONFIG_DIRECTORY',
      `The inputs could not be written into ${directory}: ${String(cause)}. It must be a directory that this user may write.`,
      { details: { directory }, cause },
    );
  }
  const variables = entries.map(([name, value]) => [variableOf(name), textOf(value)] as const);
  const fitting = variables.filter(([, text]) => fits(text));
  return {
    env: { ORCH_INPUTS: directory, ...Object.fromEntries(fitting) },
    stdin: `${JSON.stringify(inputs)}\n`,
    leftOut: variables.filter(([, text]) => !fits(text)).map(([name]) => name),
  };
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function fits(text: string): boolean {
  return Buffer.byteLength(text) <= longestVariableBytes && !text.includes('\0');
}
