import { examine } from '@orch/core/doctor';
import { exitCode } from '../exit-codes.js';
import type { Screen } from '../render/screen.js';

/** `orch doctor`: what is here, what would apply, what is missing and what to do about it. */
export async function doctorCommand(screen: Screen, flags: { readonly json?: boolean }): Promise<number> {
  const report = await examine({ directory: process.cwd(), environment: process.env });
  if (flags.json) screen.line(JSON.stringify(report));
  else {
    for (const finding of report.findings) {
      const mark = { ok: screen.style('green', '✔'), warning: screen.style('yellow', '!'), problem: screen.style('red', '✖') }[finding.level];
      screen.line(`${mark} ${finding.what}: ${finding.found}`);
      if (finding.next !== undefined) screen.line(`    next: ${finding.next}`);
    }
  }
  return report.findings.some((finding) => finding.level === 'problem') ? exitCode.environment : exitCode.ok;
}
