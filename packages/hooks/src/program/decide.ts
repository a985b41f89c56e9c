/**
 * What `orch hook` loads once a hook matches; see `@orch/hooks/program`.
 *
 * @module
 */
import path from 'node:path';
import { createProcessOwner } from '@orch/process';
import { toClaudeOutput } from '../claude/claude-output.js';
import { createHookEngine } from '../engine.js';
import { appendToLog } from '../hook-log.js';
import { readMatcher } from '../matcher/matcher.js';
import type { Outcome } from '../run/outcome.js';
import { own, type JsonObject } from '../json.js';
import type { TableSection } from './table-file.js';

export type Decide = typeof decide;

export interface Decided {
  readonly code: 0 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the hooks that match and says what Claude Code shall do. Rejects only where that means a block. */
export async function decide(asked: {
  readonly event: string;
  readonly payload: JsonObject;
  readonly sections: readonly TableSection[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly remainingMs: number;
}): Promise<Decided> {
  const { event, payload, sections, environment, directory, remainingMs } = asked;
  const owner = createProcessOwner({ marker: `hook-${process.pid}` });
  const hooks = sections.flatMap((section) =>
    section.hooks.map((hook) => {
      const reads = readMatcher(hook.matcher);
      if ('fault' in reads) throw new Error(`the matcher of ${hook.where}: ${reads.fault}`);
      return { ...hook, reads };
    }),
  );
  const cwd = own(payload, 'cwd');
  const engine = createHookEngine({
    table: { hooks, refused: sections.flatMap(({ refused }) => refused) },
    owner,
    project:
      sections.find(({ root }) => root !== null)?.root ??
      (typeof cwd === 'string' ? cwd : path.sep),
    environment,
    path: sections[0]?.path ?? '/usr/bin:/bin',
  });
  try {
    // A little is left for ending what did not answer.
    const outcome = await engine.dispatch(event, payload, {
      deadlineMs: Math.max(1, remainingMs - 1000),
    });
    appendToLog(directory, outcome);
    return tell(outcome);
  } finally {
    await engine.close();
    await owner.close();
  }
}

function tell(outcome: Outcome): Decided {
  const { event, blocked, reason = '' } = outcome;
  // Exit code 2 refuses no permission (test/claude/differential.json), but this does.
  if (blocked && event === 'PermissionRequest')
    return { code: 0, stdout: JSON.stringify(toClaudeOutput(outcome)), stderr: '' };
  if (blocked) return { code: 2, stdout: '', stderr: reason === '' ? 'blocked by a hook' : reason };
  const notes = [
    ...outcome.systemMessages,
    ...outcome.results.flatMap(({ where, failure }) =>
      failure === undefined ? [] : [`the hook ${where} failed: ${failure.message}`],
    ),
    // Once a session is enough; `orch hooks list` and the log say it each time.
    ...(event === 'SessionStart'
      ? outcome.refused.map(({ message }) => `did not run: ${message}`)
      : []),
  ];
  const output = toClaudeOutput({ ...outcome, systemMessages: notes });
  return {
    code: 0,
    stdout: Object.keys(output).length === 0 ? '' : JSON.stringify(output),
    stderr: '',
  };
}
