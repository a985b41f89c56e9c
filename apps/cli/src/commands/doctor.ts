import { examine } from '@orch/core/doctor';
import { exitCode } from '../exit-codes.js';
import { oneLine } from '../render/neutral.js';
import type { Screen } from '../render/screen.js';

/** `orch doctor`: what is here, what would apply, what is missing and what to do about it. */
export async function doctorCommand(
  screen: Screen,
  flags: { readonly json?: boolean },
): Promise<number> {
  const report = await examine({ directory: process.cwd(), environment: process.env });
  const mark = {
    ok: screen.style('green', '✔'),
    warning: screen.style('yellow', '!'),
    problem: screen.style('red', '✖'),
  };
  if (flags.json) screen.json(report);
  else {
    screen.line(`orch ${report.version}`);
    for (const { level, what, found, next } of report.findings) {
      screen.line(`${mark[level]} ${what}: ${oneLine(found)}`);
      if (next !== undefined) screen.line(`    next: ${next}`);
    }
  }
  return report.findings.some(({ level }) => level === 'problem')
    ? exitCode.environment
    : exitCode.ok;
}
