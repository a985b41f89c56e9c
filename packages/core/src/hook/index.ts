/**
 * `orch hook EVENT`, with the state directory of this user. Apart from everything else, because Claude Code
 * waits for it at every event.
 *
 * @module
 */
import path from 'node:path';
import { runHookProgram, type HookProgramOptions } from '@orch/hooks/program';
import { stateDirectory } from '../state-directory.js';

/** `loadDecide` imports `@orch/core/hook-decide`. Ends the process: with 0 and what Claude Code shall know, or with 2 and the reason. */
export function runHook(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  loadDecide: HookProgramOptions['loadDecide'],
): Promise<never> {
  return runHookProgram({ argv, environment, directory: hooksDirectory(environment), loadDecide });
}

/** Where approvals, their copies, the table of `orch hook` and the log are. */
export const hooksDirectory = (environment: Readonly<Record<string, string | undefined>>): string =>
  path.join(stateDirectory(environment), 'hooks');
