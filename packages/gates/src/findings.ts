import { toPlainText } from './plain-text.js';

/** Findings are never longer. */
export const findingsLimitBytes = 8 * 1024;

/** Kept for the end of the output, where summaries stand. */
const tailBytes = 2 * 1024;
const lineLimit = 400;
const headLimit = 1000;
const linesBefore = 2;
const linesAfter = 12;

/** Lines that say that something failed, in the words of compilers, linters and test runners. */
export const failurePatterns: readonly RegExp[] = [
  /^\s*not ok\b/,
  /^\s*FAIL(?:ED|URE)?\b/,
  /^\s*[✖✗✘✕×⨯❌●]/u,
  /^\s*(?:Uncaught )?(?:\w+\.)*\w*(?:Error|Exception)\b(?: \[\w+\])?(?::|$)/,
  /(?:^|: |\s)(?:fatal )?error(?:: | TS\d|\[\w+\])/,
  /^\s*\d+:\d+\s+error\b/,
  /^fatal: /,
  /\bpanicked at\b/,
  /^Traceback \(most recent call last\)/,
  /^E {2,}/,
  /: (?:command )?not found$/,
];

/** Lines that may belong to a failure; looked at when there is room left. */
export const hintPatterns: readonly RegExp[] = [
  /\bFAIL(?:ED|URE|S)?\b/,
  /\b\w*(?:Error|Exception)\b/,
  /\b(?:error|fatal|failed|failing)\b/,
  /^\s*\d+\) /,
  /^\s*(?:[-+] )?(?:expected|received|actual)\b/i,
  /\b(?:No such file or directory|Cannot find module|undefined reference)\b/,
];

/** Lines that only look like a failure: passed tests with a telling name, and counts of nothing. */
const harmlessPatterns: readonly RegExp[] = [
  /^\s*(?:ok\b|[✔✓√]|PASS\b)/u,
  /\b(?:0|no) (?:errors?|fail(?:ed|ing|ures?)?)\b/i,
  /^\s*# Subtest: /,
  /^(?:#|ℹ) fail 0$/,
];

const bytesOf = (lines: readonly string[]): number =>
  lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);

const gap = (count: number): string => `[... ${count} ${count === 1 ? 'line' : 'lines'} ...]`;

/** Numbers of the lines to show, as many as fit into `limit` bytes with the gaps between them. */
function chooseLines(lines: readonly string[], limit: number): Set<number> {
  const chosen = new Set<number>();
  let left = limit;
  const take = (index: number, least: number): boolean => {
    const line = lines[index];
    if (line === undefined || chosen.has(index)) return true;
    // A line may open a gap before it and one after it.
    const cost =
      Buffer.byteLength(line) + 1 + (chosen.has(index - 1) || chosen.has(index + 1) ? 0 : 48);
    if (left - cost < least) return false;
    left -= cost;
    chosen.add(index);
    return true;
  };
  const telling = lines.map((line) => !harmlessPatterns.some((one) => one.test(line)));
  for (const patterns of [failurePatterns, hintPatterns]) {
    for (const [index, line] of lines.entries()) {
      if (!telling[index] || !patterns.some((one) => one.test(line))) continue;
      for (let near = Math.max(0, index - linesBefore); near <= index + linesAfter; near += 1) {
        if (!take(near, Math.min(tailBytes, limit / 2))) break;
      }
    }
  }
  for (let index = lines.length - 1; index >= 0; index -= 1) if (!take(index, 0)) break;
  return chosen;
}

function excerptOf(lines: readonly string[], limit: number): string[] {
  if (bytesOf(lines) <= limit) return [...lines];
  const chosen = chooseLines(lines, limit - 48);
  const excerpt: string[] = [];
  let skipped = 0;
  for (const [index, line] of lines.entries()) {
    if (!chosen.has(index)) {
      skipped += 1;
      continue;
    }
    if (skipped > 0) excerpt.push(gap(skipped));
    skipped = 0;
    excerpt.push(line);
  }
  if (skipped > 0) excerpt.push(gap(skipped));
  return excerpt;
}

function linesOf(output: string): string[] {
  const text = toPlainText(output).trimEnd();
  if (text === '') return [];
  return text.split('\n').map((line) => {
    const trimmed = line.trimEnd();
    return trimmed.length <= lineLimit
      ? trimmed
      : `${trimmed.slice(0, lineLimit)} [... line cut ...]`;
  });
}

/**
 * What a gate has to say: `heading`, then the decisive excerpt of its output, at most 8 KiB of plain text.
 *
 * Output that fits is shown whole. Of more, the lines that say that something failed are shown, from the
 * first on, each with 2 lines before and 12 after it (messages, diffs and the first frames of a stack follow
 * the line that says "failed"); then, in the same way, those that may belong to a failure; until a quarter of
 * the room is left. That, and what was not needed, goes to the end of the output, where summaries stand. Gaps say how many lines they leave out; long lines are cut. stdout
 * comes before stderr; when both fill more than their half, each has half of the room.
 */
export function composeFindings(
  heading: string,
  output: { readonly stdout: string; readonly stderr: string },
): string {
  const streams = [
    { name: 'stdout', lines: linesOf(output.stdout) },
    { name: 'stderr', lines: linesOf(output.stderr) },
  ].filter(({ lines }) => lines.length > 0);
  const whole = toPlainText(heading);
  const head = whole.length <= headLimit ? whole : `${whole.slice(0, headLimit)} [...]`;
  const labels = streams.length > 1 ? 2 * '[stdout]\n'.length : 0;
  const room = findingsLimitBytes - Buffer.byteLength(head) - 2 - labels;
  const sizes = streams.map(({ lines }) => bytesOf(lines));
  const parts = streams.map(({ name, lines }, index) => {
    const others = sizes.reduce((sum, size, other) => (other === index ? sum : sum + size), 0);
    const share = streams.length === 1 ? room : Math.max(Math.floor(room / 2), room - others);
    return [...(streams.length > 1 ? [`[${name}]`] : []), ...excerptOf(lines, share)].join('\n');
  });
  return [head, ...(parts.length === 0 ? [] : ['', ...parts])].join('\n');
}
