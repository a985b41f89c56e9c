const escape = String.fromCharCode(27);
const style = new RegExp(`${escape}\\[\\d+m`, 'g');
const parts = new RegExp(`${escape}\\[\\d+m|.`, 'gsu');
const noCell = /^[\p{M}\p{Cf}]$/u;
const twoCells =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})$/u;

const cellsOf = (character: string): number =>
  noCell.test(character) ? 0 : twoCells.test(character) ? 2 : 1;

/** How many columns a text takes; colours take none. */
export function cells(text: string): number {
  let sum = 0;
  for (const character of text.replace(style, '')) sum += cellsOf(character);
  return sum;
}

/** Cuts to what fits, counting what is seen; colours end with the cut. */
export function fit(text: string, columns: number): string {
  // A text with few characters fits whatever they are; counting is for the rest.
  if (text.length * 2 <= columns || cells(text) <= columns) return text;
  let kept = '';
  let used = 0;
  let styled = false;
  for (const [part] of text.matchAll(parts)) {
    if (part.startsWith(escape)) {
      styled = true;
      kept += part;
      continue;
    }
    const width = cellsOf(part);
    if (used + width > columns - 1) break;
    used += width;
    kept += part;
  }
  return `${kept}…${styled ? `${escape}[0m` : ''}`;
}

/** Breaks between words what does not fit; later lines are indented. A longer word stays whole. */
export function wrapped(text: string, columns: number, indent = '  '): readonly string[] {
  if (cells(text) <= columns) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<=\S) +/u)) {
    if (line !== '' && cells(line) + 1 + cells(word) > columns) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
