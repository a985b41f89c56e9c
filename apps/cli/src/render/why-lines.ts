import type { Explanation } from '@orch/core/status';
import { behindGutter, oneLine } from './neutral.js';
import type { Screen } from './screen.js';

/** Lines of a gate's findings that are shown; the receipt and `--json` have all of them. */
const mostFindings = 30;

/** Why a task ended as it did; the last line is the one next command. */
export function whyLines(screen: Screen, run: string, why: Explanation): readonly string[] {
  const verdict = screen.style(why.verdict === 'succeeded' ? 'green' : 'red', why.verdict);
  const findings = why.findings ? behindGutter(why.findings.excerpt, '    │ ') : [];
  const more = findings.length - mostFindings;
  return [
    `${screen.style('bold', oneLine(why.label))} ${verdict} ${screen.style('dim', `run ${run}`)}`,
    ...why.reasons.map((reason) => `  ${oneLine(reason)}`),
    ...why.warnings.map((warning) => `  ${screen.style('yellow', 'note')}: ${oneLine(warning)}`),
    ...(why.attempts.length > 1 ? why.attempts.map(attemptLine) : []),
    ...why.denials.flatMap(({ tool, input, reason }) => [
      `  refused call: ${oneLine(tool)} ${oneLine(input)}`,
      `    ${oneLine(reason)}`,
    ]),
    ...(why.findings ? [`  gate ${why.findings.gate}:`, ...findings.slice(0, mostFindings)] : []),
    ...(more > 0 ? [`    and ${more} more lines: orch why --json has them all`] : []),
    ...(why.ref === undefined ? [] : [screen.style('dim', `  kept at ${why.ref}`)]),
    `next: ${oneLine(why.next)}`,
  ];
}

const attemptLine = ({
  attempt,
  mode,
  verdict,
  reasons,
}: Explanation['attempts'][number]): string => {
  const reason = reasons[0] === undefined ? '' : `, ${oneLine(reasons[0])}`;
  return `  attempt ${attempt} (${mode}): ${verdict}${reason}`;
};
