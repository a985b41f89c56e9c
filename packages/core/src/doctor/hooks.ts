import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { openRepositoryHooks } from '../hooks/repository-hooks.js';
import { claudeDirectory } from '../places.js';
import type { Finding } from './examine.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What hooks there are, and which of them do not run. Settings that cannot be read are findings, too. */
export async function examineHooks(
  directory: string,
  environment: Environment,
): Promise<readonly Finding[]> {
  try {
    const { table, approvals } = await openRepositoryHooks({ directory, environment });
    const { hooks, refused } = table;
    const findings: Finding[] = refused.map(({ source, message, next }) => ({
      level: 'warning',
      what: 'hook',
      found: `does not run: ${message} (${source})`,
      ...(next === undefined ? {} : { next }),
    }));
    for (const file of approvals.unreadable)
      findings.push({
        level: 'warning',
        what: 'hook',
        found: `the approval ${file} cannot be read; remove it and approve its hook again`,
      });
    const count: Finding = { level: 'ok', what: 'hooks', found: `${hooks.length} run` };
    return [...(hooks.length === 0 ? [] : [count]), ...findings, ...installed(environment)];
  } catch (error) {
    return [{ level: 'problem', what: 'hooks', found: (error as Error).message }];
  }
}

/** Whether the user's own Claude Code calls `orch hook`, and what happens when it cannot. */
function installed(environment: Environment): readonly Finding[] {
  const file = path.join(claudeDirectory(environment), 'settings.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const program = /"args":\s*\[\s*"([^"]+)",\s*"hook",/.exec(text)?.[1];
  if (program === undefined) return [];
  const gap = 'when orch is missing or killed, Claude Code lets the tool run';
  return existsSync(program)
    ? [{ level: 'ok', what: 'orch hook', found: `called by ${file}; ${gap}` }]
    : [
        {
          level: 'problem',
          what: 'orch hook',
          found: `${file} calls ${program}, which is not there: ${gap}, and so it does now`,
          next: 'orch hooks install',
        },
      ];
}
