const escape = String.fromCharCode(0x1b);
const bell = String.fromCharCode(0x07);

/**
 * Terminal sequences: strings that end in BEL or ST (titles, links), CSI (colours, cursor), and the two
 * character ones. Each alternative stops at the next escape, so hostile input costs linear time.
 */
const sequences = new RegExp(
  `${escape}(?:[\\]PX^_][^${escape}${bell}]*(?:${bell}|${escape}\\\\)|\\[[0-?]*[ -/]*[@-~]|[ -/]*[0-Z\\\\^-~])`,
  'g',
);

/** All controls but tab and newline, and what turns the direction of text or hides in it. */
const invisible = /(?![\t\n])[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** What of a line was to be seen in the end, after carriage returns overwrote what was before them. */
function lastState(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === '\r') end -= 1;
  return end === 0 ? '' : line.slice(line.lastIndexOf('\r', end - 1) + 1, end);
}

/**
 * Output as a person would have read it: without colours, cursor movements, other control characters and
 * direction overrides. Of a line that was overwritten by carriage returns (a progress bar), the last state
 * stays. Takes time in proportion to the length of the output, whatever it is.
 */
export function toPlainText(output: string): string {
  return output
    .replace(sequences, '')
    .replace(/[\u2028\u2029]/g, '\n')
    .split('\n')
    .map((line) => lastState(line).replace(invisible, ''))
    .join('\n');
}
